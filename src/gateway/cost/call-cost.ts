/** What a call came to. */
export interface CallCost {
  /** Millionths of the currency, whole. */
  readonly micros: number;
  /** Units by name, as the provider reported them. */
  readonly units: Readonly<Record<string, number>>;
  /** Whether the amount is what was set aside, since the provider did not say or no price is known. */
  readonly estimated: boolean;
}

/** What is known of a call when it has ended. */
export interface CallFacts {
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** HTTP status; a provider does not charge units for what it refused. */
  readonly status?: number | undefined;
  /** The answer, where it was JSON and read as a whole. */
  readonly json?: unknown;
  /** When the call began: prices are those of that day, in UTC. */
  readonly at: Date;
  /** False when the answer was cut off; what was not reported then is not taken for nothing. */
  readonly complete?: boolean | undefined;
}
