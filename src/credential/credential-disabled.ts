import type { Caller } from '../kernel/caller.js';
import type { Tx } from '../database/transaction.js';

/** A credential that has just been disabled. */
export interface DisabledCredential {
  /** Its name in the catalogue. */
  readonly credential: string;
}

/**
 * What has to happen to live leases when a credential is disabled: the port that `lease/` implements and registers
 * with `CredentialCatalogue.whenDisabled`. Without one a credential cannot be disabled.
 */
export abstract class CredentialDisabled {
  /**
   * Inside the transaction that disables it: marks every live lease of the credential for revocation and answers how
   * many there were. Throwing undoes the disabling. Never calls Vault.
   */
  abstract during(tx: Tx, disabled: DisabledCredential & { readonly caller: Caller }): Promise<number>;

  /** After the commit: starts the revocations now. Whatever fails here is left to the scheduler. */
  abstract after(disabled: DisabledCredential): Promise<void>;
}
