import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../audit/audit-inbox.js';
import type { RunIdentity } from '../identity/run-token.js';
import { BrokerError } from '../kernel/broker-error.js';
import type { Caller } from '../kernel/caller.js';
import { Clock } from '../kernel/clock.js';
import { crashPoint } from '../kernel/crash-point.js';
import { Ids } from '../kernel/ids.js';
import { Log } from '../kernel/log.js';
import { safeErrorFields } from '../kernel/safe-error.js';
import { CredentialSource } from './credential-source.js';
import { codeOf, isFailure, publicDetail } from './failure.js';
import { IssueQueue } from './issue-queue.js';
import { earliest, type IssuedLease, type Issuing } from './issuing.js';
import type { WantedLease } from './lease-decision.js';
import { LeaseDecisions } from './lease-decisions.js';
import { LeaseFulfilment } from './lease-fulfilment.js';
import { LeaseRecords } from './lease-records.js';
import { LeaseRefusals } from './lease-refusals.js';
import { Supersession } from './supersession.js';

/** How often a decision is made again because grant or credential changed while it was carried out. */
const MOST_DECISIONS = 4;

/**
 * Issues leases, in six steps of which each leaves something that can be found again:
 *
 *   1 decide    reads, and what is remembered
 *   2 Vault     the lease's own token
 *   3 Postgres  lease `issuing` with the token's accessor, event `lease.requested`
 *   4 Vault     the credential, with that token
 *   5 Postgres  lease `active`, event `lease.issued`
 *   6 answer
 *
 * The accessor is on disk before the credential exists: whatever a crash leaves can be killed by a value that we have.
 */
@Injectable()
export class LeaseIssue {
  constructor(
    private readonly queue: IssueQueue,
    private readonly decisions: LeaseDecisions,
    private readonly refusals: LeaseRefusals,
    private readonly records: LeaseRecords,
    private readonly fulfilment: LeaseFulfilment,
    private readonly supersession: Supersession,
    private readonly source: CredentialSource,
    private readonly audit: AuditInbox,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly log: Log,
  ) {}

  /**
   * Issues one lease. Refuses with the codes of {@link LeaseDecisions.decide}, `grant_limit_reached`,
   * `lease_in_progress` and `idempotency_key_reused`; fails with those of {@link CredentialSource} and
   * `credential_unavailable`. Each refusal and failure is an event, but for those of {@link IssueQueue}: nothing was
   * decided by then, and a flood must not become a flood of events. A request whose signal aborts while it waits for
   * its turn is not begun; one that was begun goes on, since it has effects.
   */
  issue(
    identity: RunIdentity,
    wanted: WantedLease,
    caller: Caller,
    signal?: AbortSignal,
  ): Promise<IssuedLease> {
    return this.queue.run(identity.grantId, () => this.issueNow(identity, wanted, caller), signal);
  }

  private async issueNow(identity: RunIdentity, wanted: WantedLease, caller: Caller): Promise<IssuedLease> {
    let issuing: Issuing;
    try {
      issuing = await this.request(identity, wanted, caller);
    } catch (error) {
      await this.recordRefusal(identity, wanted, caller, error);
      throw error;
    }
    crashPoint('lease.issue.requested');
    return this.fulfilment.fulfil(issuing, caller);
  }

  /** Steps 1 to 3. */
  private async request(identity: RunIdentity, wanted: WantedLease, caller: Caller): Promise<Issuing> {
    for (let round = 0; round < MOST_DECISIONS; round += 1) {
      const issuing = await this.withToken(identity, wanted, round > 0);
      if (await this.recorded(issuing, caller)) return issuing;
      this.discard(issuing);
      const now = this.clock.now();
      const obstacle = await this.refusals.obstacle(issuing.decision, now, wanted.idempotencyKey);
      if (obstacle.kind === 'refused') {
        this.decisions.forget(identity, wanted.credential);
        throw obstacle.error;
      }
      if (obstacle.kind === 'earlier') await this.supersession.end(obstacle.lease, issuing.decision, caller);
    }
    throw new BrokerError('conflict', {
      detail: 'the grant or the credential keeps changing; try again',
      retryAfterSeconds: 1,
    });
  }

  private async withToken(identity: RunIdentity, wanted: WantedLease, fresh: boolean): Promise<Issuing> {
    const decision = await this.decisions.decide(identity, wanted, fresh);
    crashPoint('lease.issue.decided');
    const leaseId = this.ids.uuid();
    const token = await this.source.createLeaseToken({
      credential: decision.credential.name,
      ttlSeconds: decision.lifeSeconds,
      metadata: {
        run_id: decision.run.runId,
        step_id: decision.stepId,
        lease_id: leaseId,
        grant: decision.grant.name,
      },
    });
    crashPoint('lease.issue.token-created');
    const end = new Date(decision.decidedAt.getTime() + decision.lifeSeconds * 1000);
    return {
      leaseId,
      decision,
      token,
      requestedAt: this.clock.now(),
      maxExpiresAt: earliest(end, token.expiresAt),
      idempotencyKey: wanted.idempotencyKey,
    };
  }

  private async recorded(issuing: Issuing, caller: Caller): Promise<boolean> {
    try {
      return await this.records.request(issuing, caller);
    } catch (error) {
      // A request with the same idempotency key was quicker by less than a statement.
      if (isDuplicate(error)) return false;
      this.discard(issuing);
      throw error;
    }
  }

  // Nothing hangs from this token yet, and its own TTL ends it if this call is lost.
  private discard({ leaseId, token }: Issuing): void {
    this.source.revokeAccessor(token.accessor).catch((error: unknown) => {
      this.log.warn(
        { lease_id: leaseId, ...safeErrorFields(error) },
        'a token without a lease was left to its TTL',
      );
    });
  }

  private async recordRefusal(
    identity: RunIdentity,
    wanted: WantedLease,
    caller: Caller,
    error: unknown,
  ): Promise<void> {
    const failed = isFailure(error);
    const code = codeOf(error);
    const context = {
      caller,
      workload: { issuer: identity.issuer, subject: identity.subject },
      run: { ref: identity.runRef, runId: identity.runId },
      stepId: wanted.stepId ?? identity.stepId,
      grant: { id: identity.grantId, name: identity.grantName, version: identity.grantVersion },
      credential: wanted.credential,
      code,
    };
    const data = { detail: publicDetail(error) };
    try {
      if (failed) await this.audit.record('lease.failed', { ...context, outcome: 'failure' }, data);
      else await this.audit.record('lease.refused', { ...context, outcome: 'refused' }, data);
    } catch (unwritten) {
      // Nothing was leased, and the caller is told so; the first error says more than this one.
      this.log.error(
        { request_id: caller.requestId, code, ...safeErrorFields(unwritten) },
        'the event of a refused lease could not be written',
      );
    }
  }
}

function isDuplicate(error: unknown): boolean {
  const { driverError } = error as { driverError?: { code?: unknown } };
  return driverError?.code === '23505';
}
