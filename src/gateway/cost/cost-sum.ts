/** What costs can be summed by. */
export const COST_GROUPINGS = ['run', 'step', 'grant', 'tool', 'workload', 'day'] as const;
export type CostGrouping = (typeof COST_GROUPINGS)[number];

/** Calls of one group together; the members that name the group are there, the others are not. */
export interface CostSum {
  /** Sorts, and tells groups apart. */
  readonly key: string;
  readonly day?: string;
  readonly run?: { readonly ref: string; readonly runId: string };
  readonly stepId?: string;
  readonly grant?: { readonly id: string; readonly name: string | null };
  readonly tool?: string;
  readonly workload?: { readonly issuer: string; readonly subject: string };
  readonly calls: number;
  /** Calls of which nobody knows what became of them; they count with what was set aside. */
  readonly unknownCalls: number;
  readonly costMicros: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** Units by name, as providers reported them. */
  readonly units: Readonly<Record<string, number>>;
}

/** Which calls are summed. */
export interface CostFilter {
  /** Our id of the run, or the platform's. */
  readonly run?: string | undefined;
  /** Id or name of the grant. */
  readonly grant?: string | undefined;
  readonly tool?: string | undefined;
  readonly subject?: string | undefined;
}
