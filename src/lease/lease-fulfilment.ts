import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../audit/audit-inbox.js';
import type { RevokeCause } from '../audit/revoke-cause.js';
import { BrokerError } from '../kernel/broker-error.js';
import type { Caller } from '../kernel/caller.js';
import { Clock } from '../kernel/clock.js';
import { crashPoint } from '../kernel/crash-point.js';
import type { ErrorCode } from '../kernel/error-codes.js';
import { Log } from '../kernel/log.js';
import { safeErrorFields } from '../kernel/safe-error.js';
import { CredentialSource, type InlineCredential, type WrappedCredential } from './credential-source.js';
import { codeOf, publicDetail } from './failure.js';
import { issuingLease, madeOf, type IssuedLease, type Issuing, type Made } from './issuing.js';
import { LeaseRecords } from './lease-records.js';
import { subjectOf } from './lease-row.js';
import { Leases } from './leases.js';
import { Revoker } from './revoker.js';

/** Seconds in which a worker has to unwrap; a wrapping token that lies around longer is somebody else's chance. */
const WRAP_SECONDS = 300;

type Answer = { readonly inline: InlineCredential } | { readonly wrapped: WrappedCredential };

/** Steps 4 to 6 of issuing: makes the credential of a lease that is on disk, and hands it over once that is durable. */
@Injectable()
export class LeaseFulfilment {
  constructor(
    private readonly source: CredentialSource,
    private readonly records: LeaseRecords,
    private readonly leases: Leases,
    private readonly revoker: Revoker,
    private readonly audit: AuditInbox,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /**
   * Reads the credential and makes the lease active. Whatever goes wrong leaves a lease that is being revoked, and
   * the caller without a credential.
   */
  async fulfil(issuing: Issuing, caller: Caller): Promise<IssuedLease> {
    let answer: Answer;
    try {
      answer = await this.read(issuing);
    } catch (error) {
      throw await this.failed(issuing, undefined, caller, error);
    }
    crashPoint('lease.issue.credential-read');
    const issuedAt = this.clock.now();
    const made = madeOf(issuing, 'inline' in answer ? answer.inline : undefined, issuedAt);
    let active: boolean;
    try {
      active = await this.records.activate(issuing, made, issuedAt, caller);
    } catch (error) {
      throw await this.failed(issuing, made.vaultLeaseId, caller, error);
    }
    if (!active) throw await this.tooLate(issuing, made.vaultLeaseId, caller);
    crashPoint('lease.issue.issued');
    return handedOver(issuing, answer, made, issuedAt);
  }

  private async read({ token, decision }: Issuing): Promise<Answer> {
    const { name, kind, mount, path, parameters } = decision.credential;
    const request = { name, kind, mount, path, parameters, ttlSeconds: decision.ttlSeconds };
    if (decision.delivery !== 'wrapped') return { inline: await this.source.read(token.token, request) };
    const wrapSeconds = Math.min(decision.ttlSeconds, WRAP_SECONDS);
    return { wrapped: await this.source.readWrapped(token.token, request, wrapSeconds) };
  }

  /** Marks the lease for revocation; answers what the caller is told. */
  private async failed(
    issuing: Issuing,
    vaultLeaseId: string | undefined,
    caller: Caller,
    error: unknown,
  ): Promise<unknown> {
    const lease = issuingLease(issuing);
    let marked: boolean;
    try {
      const failure = { code: codeOf(error), detail: publicDetail(error), vaultLeaseId };
      marked = await this.records.fail(lease, failure, caller);
    } catch (unwritten) {
      this.log.error(
        { lease_id: lease.id, request_id: caller.requestId, ...safeErrorFields(unwritten) },
        'a failed lease could not be marked; reconciliation will find it',
      );
      await this.killNow(issuing, vaultLeaseId);
      return error;
    }
    if (!marked) return this.tooLate(issuing, vaultLeaseId, caller);
    crashPoint('lease.issue.failed');
    this.revoker.start({ leaseIds: [lease.id] });
    return error instanceof BrokerError ? error : new BrokerError('credential_unavailable', { cause: error });
  }

  /**
   * Somebody else marked the lease while its credential was being made, and may have finished revoking what was
   * known of it by then: so this is the only place that knows what came after.
   */
  private async tooLate(
    issuing: Issuing,
    vaultLeaseId: string | undefined,
    caller: Caller,
  ): Promise<BrokerError> {
    crashPoint('lease.issue.too-late');
    await this.killNow(issuing, vaultLeaseId);
    const { revokeCause } = await this.leases.get(issuing.leaseId);
    const code = (revokeCause && CODE_OF_CAUSE[revokeCause]) ?? 'credential_unavailable';
    const context = { caller, ...subjectOf(issuingLease(issuing)), outcome: 'failure', code } as const;
    await this.audit.record('lease.failed', context, { detail: 'it was ended while it was being issued' });
    return new BrokerError(code, { detail: 'the lease was ended while it was being issued' });
  }

  private async killNow({ leaseId, token }: Issuing, vaultLeaseId: string | undefined): Promise<void> {
    const attempts: (() => Promise<void>)[] = [() => this.source.revokeAccessor(token.accessor)];
    if (vaultLeaseId !== undefined) {
      attempts.unshift(
        () => this.records.learnVaultLease(leaseId, vaultLeaseId),
        () => this.source.revokeLease(vaultLeaseId),
      );
    }
    for (const attempt of attempts) {
      await attempt().catch((error: unknown) => {
        this.log.warn({ lease_id: leaseId, ...safeErrorFields(error) }, 'left to the revoker');
      });
    }
  }
}

const CODE_OF_CAUSE: Partial<Record<RevokeCause, ErrorCode>> = {
  run_closed: 'run_closed',
  run_revoked: 'run_closed',
  run_expired: 'run_closed',
  grant_suspended: 'grant_not_active',
  grant_revoked: 'grant_not_active',
  grant_expired: 'grant_not_active',
  credential_disabled: 'credential_disabled',
  admin: 'lease_not_active',
};

function handedOver(issuing: Issuing, answer: Answer, made: Made, issuedAt: Date): IssuedLease {
  const lease = {
    ...issuingLease(issuing),
    state: 'active' as const,
    issuedAt,
    expiresAt: made.expiresAt,
    maxExpiresAt: made.maxExpiresAt,
    revocable: made.revocable,
  };
  if ('inline' in answer) return { lease, credential: answer.inline.data };
  const { wrappingToken, wrapExpiresAt } = answer.wrapped;
  return { lease, credential: undefined, wrapping: { token: wrappingToken, expiresAt: wrapExpiresAt } };
}
