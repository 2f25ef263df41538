import type { Caller } from '../kernel/caller.js';
import type { Tx } from '../database/transaction.js';
import type { OpenedRevocation } from '../kernel/opened-revocation.js';

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
   * Inside the transaction that disables it: opens the revocation of every live lease of the credential. Throwing
   * undoes the disabling. Never calls Vault.
   */
  abstract during(
    tx: Tx,
    disabled: DisabledCredential & { readonly caller: Caller; readonly reason?: string | undefined },
  ): Promise<OpenedRevocation>;

  /** After the commit: starts the revocations now. Whatever fails here is left to the scheduler. */
  abstract after(disabled: DisabledCredential & OpenedRevocation): Promise<void>;
}
