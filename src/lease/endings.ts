import { Injectable, type OnModuleInit } from '@nestjs/common';
import { CredentialCatalogue } from '../credential/credential-catalogue.js';
import { CredentialDisabled } from '../credential/credential-disabled.js';
import type { Tx } from '../database/transaction.js';
import { GrantEnded, type EndedGrant } from '../grant/grant-ended.js';
import { Grants } from '../grant/grants.js';
import type { OpenedRevocation } from '../kernel/opened-revocation.js';
import { RunEnded, type EndedRun } from '../run/run-ended.js';
import { Runs } from '../run/runs.js';
import { Revocations } from './kill/revocations.js';

/** The leases of a run end with it. */
@Injectable()
export class LeasesOfEndedRuns extends RunEnded implements OnModuleInit {
  constructor(
    private readonly runs: Runs,
    private readonly revocations: Revocations,
  ) {
    super();
  }

  onModuleInit(): void {
    this.runs.whenEnded(this);
  }

  during(tx: Tx, { runRef, cause, caller, reason }: EndedRun): Promise<OpenedRevocation> {
    return this.revocations.open(tx, { selector: { runRef }, cause, caller, reason });
  }

  /** Does not wait; who needs the proofs asks `Revocations.watch`. */
  async after(opened: OpenedRevocation): Promise<void> {
    this.revocations.start(opened);
  }
}

/** The leases of a grant end with it or rest with it; its runs end with it. */
@Injectable()
export class LeasesOfEndedGrants extends GrantEnded implements OnModuleInit {
  constructor(
    private readonly grants: Grants,
    private readonly runs: Runs,
    private readonly revocations: Revocations,
  ) {
    super();
  }

  onModuleInit(): void {
    this.grants.whenEnded(this);
  }

  async during(tx: Tx, { grantId, cause, caller, reason }: EndedGrant): Promise<OpenedRevocation> {
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
    return this.revocations.open(tx, { selector: { grantId }, cause, caller, reason });
  }

  async after(opened: OpenedRevocation): Promise<void> {
    this.revocations.start(opened);
  }
}

/** The leases of a credential end when it is disabled. */
@Injectable()
export class LeasesOfDisabledCredentials extends CredentialDisabled implements OnModuleInit {
  constructor(
    private readonly catalogue: CredentialCatalogue,
    private readonly revocations: Revocations,
  ) {
    super();
  }

  onModuleInit(): void {
    this.catalogue.whenDisabled(this);
  }

  during(
    tx: Tx,
    { credential, caller, reason }: Parameters<CredentialDisabled['during']>[1],
  ): Promise<OpenedRevocation> {
    const cause = 'credential_disabled';
    return this.revocations.open(tx, { selector: { credential }, cause, caller, reason });
  }

  async after(opened: OpenedRevocation): Promise<void> {
    this.revocations.start(opened);
  }
}
