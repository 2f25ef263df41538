import type { Caller } from '../kernel/caller.js';
import type { RevokeCause } from '../audit/revoke-cause.js';
import type { Tx } from '../database/transaction.js';
import type { OpenedRevocation } from '../kernel/opened-revocation.js';

/** Why a grant no longer allows anything. */
export type GrantEndCause = Extract<RevokeCause, 'grant_suspended' | 'grant_revoked' | 'grant_expired'>;

/** A grant that has just been suspended, revoked or expired. */
export interface EndedGrant {
  readonly grantId: string;
  readonly grantName: string;
  readonly cause: GrantEndCause;
  readonly caller: Caller;
  /** What whoever ended it wrote. */
  readonly reason?: string | undefined;
}

/**
 * What has to happen to runs and leases when a grant stops: the port that `lease/` implements and registers with
 * `Grants.whenEnded`. Without one a grant cannot be suspended, revoked or expired.
 *
 * Row locks are taken in the order grant, runs, leases everywhere; the grant's row is locked when this is called. So
 * for a revoked or expired grant end its runs first (`Runs.endOfGrant`), then mark its leases.
 */
export abstract class GrantEnded {
  /**
   * Inside the transaction that ends it: opens the revocation of its live leases, and ends its runs unless it is only
   * suspended. Throwing undoes the ending. Never calls Vault.
   */
  abstract during(tx: Tx, ended: EndedGrant): Promise<OpenedRevocation>;

  /** After the commit: starts the revocations now. Whatever fails here is left to the scheduler. */
  abstract after(ended: Pick<EndedGrant, 'grantId'> & OpenedRevocation): Promise<void>;
}
