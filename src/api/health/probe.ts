/** What a look at one dependency found. */
export interface ProbeResult {
  readonly ok: boolean;
  /** For operators; never a secret, an address with a password, or a foreign error's text. */
  readonly detail?: string;
  /** Name of what was found, for machines; from a fixed set. */
  readonly state?: string;
  /** What an operator does about it. */
  readonly advice?: string;
}

/** Something that the broker needs in order to be of use. */
export interface Probe {
  readonly name: string;
  /** Whether traffic should stay away while it fails; otherwise it is told for information. */
  readonly essential: boolean;
  check(): Promise<ProbeResult>;
}

/** Every dependency, by name; bound in the application module. */
export abstract class Probes {
  abstract readonly all: readonly Probe[];
}
