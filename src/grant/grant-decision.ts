import type { Grant } from './grant.js';

/** What a workload asks for, in its own words; each part may be left out where a claim says it. */
export interface WantedRun {
  /** Name of the grant, where several match. */
  readonly grant?: string;
  readonly runId?: string;
  readonly stepId?: string;
}

/** Who said which run it is: a verified claim, or the workload itself because its grant lets it. */
export type RunSource = 'claim' | 'asserted';

/** A workload may run under this grant, as this run and step. */
export interface GrantDecision {
  readonly grant: Grant;
  readonly runId: string;
  readonly stepId: string;
  readonly runFrom: RunSource;
  /** Seconds; the longest that a run opened now may live, before the grant's own expiry is looked at. */
  readonly deadlineSeconds: number;
  /** What the run keeps of the token: the claims that the conditions name, and what the platform says of the run. */
  readonly claims: Readonly<Record<string, unknown>>;
}
