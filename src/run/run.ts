/**
 * States of a run. The database enforces the same machine (`state_transitions`).
 *
 *            ┌──► closed     the worker or an operator closed it
 *   open ────┼──► revoked    an operator revoked it, or its grant was revoked
 *            └──► expired    its deadline passed, or its grant expired
 *
 * An ended run never opens again: the same workload naming the same run is refused with `run_closed`.
 */
export const RUN_STATES = ['open', 'closed', 'revoked', 'expired'] as const;
export type RunState = (typeof RUN_STATES)[number];

/** A state that a run never leaves. */
export type EndedRunState = Exclude<RunState, 'open'>;

/** One execution under a grant; the parent of everything leased. */
export interface Run {
  /** Our id, unique everywhere. */
  readonly id: string;
  /** The platform's id, unique per grant, issuer and subject. */
  readonly runId: string;
  readonly grantId: string;
  readonly grantName: string;
  /** The version of the grant under which it was opened. */
  readonly grantVersion: number;
  /** The exact `iss` of the workload's token. */
  readonly issuer: string;
  readonly subject: string;
  /** The claims that the grant's conditions name, and what the platform says of the run; nothing else of the token. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly state: RunState;
  readonly openedAt: Date;
  /** No lease of the run lives longer than this. */
  readonly deadline: Date;
  readonly endedAt: Date | null;
  /** Why it ended: a revoke cause such as `run_closed` or `grant_revoked`. */
  readonly endCause: string | null;
}
