import { Injectable, type OnModuleInit } from '@nestjs/common';
import { CredentialCatalogue } from '../credential/credential-catalogue.js';
import { CredentialDisabled, type DisabledCredential } from '../credential/credential-disabled.js';
import type { Tx } from '../database/transaction.js';
import { GrantEnded, type EndedGrant } from '../grant/grant-ended.js';
import { Grants } from '../grant/grants.js';
import type { Caller } from '../kernel/caller.js';
import { RunEnded, type EndedRun } from '../run/run-ended.js';
import { Runs } from '../run/runs.js';
import { RevocationRequests } from './revocation-requests.js';
import { Revoker } from './revoker.js';

/** The leases of a run end with it. */
@Injectable()
export class LeasesOfEndedRuns extends RunEnded implements OnModuleInit {
  constructor(
    private readonly runs: Runs,
    private readonly requests: RevocationRequests,
    private readonly revoker: Revoker,
  ) {
    super();
  }

  onModuleInit(): void {
    this.runs.whenEnded(this);
  }

  async during(tx: Tx, { runRef, cause, caller }: EndedRun): Promise<number> {
    const marked = await this.requests.request(tx, { runRef }, { cause, caller });
    return marked.length;
  }

  /** Does not wait; who needs the proofs asks `Revoker.revokeNow`. */
  async after({ runRef }: Pick<EndedRun, 'runRef'>): Promise<void> {
    this.revoker.start({ runRef });
  }
}

/** The leases of a grant end with it or rest with it; its runs end with it. */
@Injectable()
export class LeasesOfEndedGrants extends GrantEnded implements OnModuleInit {
  constructor(
    private readonly grants: Grants,
    private readonly runs: Runs,
    private readonly requests: RevocationRequests,
    private readonly revoker: Revoker,
  ) {
    super();
  }

  onModuleInit(): void {
    this.grants.whenEnded(this);
  }

  async during(tx: Tx, { grantId, cause, caller }: EndedGrant): Promise<void> {
    // Runs before leases: the order in which issuing locks them.
    if (cause !== 'grant_suspended') {
      await this.runs.endOfGrant(
        tx,
        grantId,
        cause === 'grant_expired' ? 'expired' : 'revoked',
        cause,
        caller,
      );
    }
    await this.requests.request(tx, { grantId }, { cause, caller });
  }

  async after({ grantId }: Pick<EndedGrant, 'grantId'>): Promise<void> {
    this.revoker.start({ grantId });
  }
}

/** The leases of a credential end when it is disabled. */
@Injectable()
export class LeasesOfDisabledCredentials extends CredentialDisabled implements OnModuleInit {
  constructor(
    private readonly catalogue: CredentialCatalogue,
    private readonly requests: RevocationRequests,
    private readonly revoker: Revoker,
  ) {
    super();
  }

  onModuleInit(): void {
    this.catalogue.whenDisabled(this);
  }

  async during(tx: Tx, disabled: DisabledCredential & { readonly caller: Caller }): Promise<number> {
    const { credential, caller } = disabled;
    const marked = await this.requests.request(tx, { credential }, { cause: 'credential_disabled', caller });
    return marked.length;
  }

  async after({ credential }: DisabledCredential): Promise<void> {
    this.revoker.start({ credential });
  }
}
