import type { Caller } from '../kernel/caller.js';
import type { RevokeCause } from '../audit/revoke-cause.js';
import type { Tx } from '../database/transaction.js';
import type { OpenedRevocation } from '../kernel/opened-revocation.js';

/** Why a run's leases end with it. */
export type RunEndCause = Extract<RevokeCause, 'run_closed' | 'run_revoked' | 'run_expired'>;

/** A run that has just ended. */
export interface EndedRun {
  /** Our id of the run. */
  readonly runRef: string;
  readonly cause: RunEndCause;
  readonly caller: Caller;
  /** What whoever ended it wrote. */
  readonly reason?: string | undefined;
}

/**
 * What has to happen to leases when a run ends: the port that `lease/` implements and registers with
 * `Runs.whenEnded`. Without one no run can end.
 */
export abstract class RunEnded {
  /**
   * Inside the transaction that ends it, with the run's row locked: opens the revocation of its live leases. Throwing
   * undoes the ending. Never calls Vault.
   */
  abstract during(tx: Tx, ended: EndedRun): Promise<OpenedRevocation>;

  /** After the commit: starts the revocations now. Whatever fails here is left to the scheduler. */
  abstract after(ended: Pick<EndedRun, 'runRef'> & OpenedRevocation): Promise<void>;
}
