import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../audit/audit-inbox.js';
import { besidesKey } from '../database/by-key.js';
import { Transactions } from '../database/transaction.js';
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
import { earliest } from './issuing.js';
import type { Lease } from './lease.js';
import type { LeaseDecision } from './lease-decision.js';
import { LeaseDecisions } from './lease-decisions.js';
import { LOCKED, STILL_ALLOWED } from './lease-records.js';
import { LeaseRefusals } from './lease-refusals.js';
import { usableUntil, withUse } from './renewal-refusal.js';
import { subjectOf } from './lease-row.js';
import { Leases } from './leases.js';

/** Less than this is not worth a renewal: Vault counts whole seconds. */
const LEAST_GAIN_MS = 1_000;

// $7 lease, $8 its renewals so far, $9 expiry, $10 and $11 the event. Another renewal in between is not overwritten.
const RENEW = `
  WITH allowed AS (${STILL_ALLOWED} ${LOCKED}), renewed AS (
    UPDATE leases l SET expires_at = $9::timestamptz, renewals = l.renewals + 1 FROM allowed
    WHERE l.id = $7::uuid AND ${besidesKey('l.state')} = 'active' AND l.renewals = $8::int RETURNING l.id
  ), event AS (
    INSERT INTO audit_inbox (event_id, leaf) SELECT $10::uuid, $11::bytea FROM renewed
  )
  SELECT id FROM renewed`;

interface LeaseWithVaultId {
  readonly vault_lease_id: string | null;
}

/** Renews leases: decides grant and run anew, asks Vault, then writes it under the locks that issuing takes. */
@Injectable()
export class LeaseRenewal {
  constructor(
    private readonly leases: Leases,
    private readonly decisions: LeaseDecisions,
    private readonly refusals: LeaseRefusals,
    private readonly source: CredentialSource,
    private readonly transactions: Transactions,
    private readonly audit: AuditInbox,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly log: Log,
  ) {}

  /**
   * Extends a lease of the caller's own run to at most the end that it was issued with, and to what Vault answers.
   * Asking for less than is left changes nothing. Refuses with `not_found`, `lease_not_active`,
   * `lease_not_renewable`, `conflict` and the codes of {@link LeaseDecisions.decide}; fails with those of
   * {@link CredentialSource}. Each refusal and failure says until when the credential works all the same, and is an
   * event.
   */
  async renew(
    identity: RunIdentity,
    leaseId: string,
    wanted: { readonly ttlSeconds?: number | undefined },
    caller: Caller,
  ): Promise<Lease> {
    const lease = await this.leases.ofRun(identity, leaseId);
    try {
      return await this.extend(identity, lease, wanted.ttlSeconds, caller);
    } catch (error) {
      const until = await this.usableUntil(lease, error);
      await this.recordRefusal(lease, caller, error, until);
      throw until === undefined ? error : withUse(error, until);
    }
  }

  private async extend(
    identity: RunIdentity,
    lease: Lease,
    ttlSeconds: number | undefined,
    caller: Caller,
  ): Promise<Lease> {
    const decision = await this.decisions.decide(
      identity,
      { credential: lease.credential, ttlSeconds, delivery: lease.delivery, stepId: lease.stepId },
      true,
    );
    if (lease.state !== 'active')
      throw new BrokerError('lease_not_active', { detail: `it is ${lease.state}` });
    const now = this.clock.now();
    if (lease.expiresAt <= now) throw new BrokerError('lease_not_active', { detail: 'its time is up' });
    const latest = latestExpiry(lease, decision);
    const target = earliest(new Date(now.getTime() + decision.ttlSeconds * 1000), latest);
    if (target.getTime() - lease.expiresAt.getTime() < LEAST_GAIN_MS) {
      if (latest.getTime() - lease.expiresAt.getTime() < LEAST_GAIN_MS) throw notRenewable(lease);
      return lease;
    }
    crashPoint('lease.renew.decided');
    const expiresAt = await this.renewAtVault(lease, target, now);
    crashPoint('lease.renew.renewed');
    if (!(await this.write(decision, lease, expiresAt, caller))) throw await this.obstacle(decision, lease);
    crashPoint('lease.renew.written');
    return { ...lease, expiresAt, renewals: lease.renewals + 1 };
  }

  private async renewAtVault(lease: Lease, target: Date, now: Date): Promise<Date> {
    const [row] = await this.transactions.reads.query<LeaseWithVaultId[]>(
      'SELECT vault_lease_id FROM leases WHERE id = $1',
      [lease.id],
    );
    // Nothing of Vault's to renew: the lease's token lives as long as the lease ever may.
    const vaultLeaseId = row?.vault_lease_id ?? null;
    if (vaultLeaseId === null) return target;
    const increment = Math.ceil((target.getTime() - now.getTime()) / 1000);
    return earliest(target, await this.source.renew(vaultLeaseId, increment));
  }

  private async write(
    { grant, run, credential }: LeaseDecision,
    lease: Lease,
    expiresAt: Date,
    caller: Caller,
  ): Promise<boolean> {
    const eventId = this.ids.uuid();
    const leaf = this.audit.leaf(
      eventId,
      'lease.renewed',
      { caller, ...subjectOf(lease) },
      { expires_at: expiresAt.toISOString(), renewals: lease.renewals + 1 },
    );
    const rows = await this.transactions.reads.query<unknown[]>(RENEW, [
      grant.id,
      grant.version,
      run.id,
      credential.name,
      credential.version,
      this.clock.now(),
      lease.id,
      lease.renewals,
      expiresAt,
      eventId,
      leaf,
    ]);
    return rows.length > 0;
  }

  private async obstacle(decision: LeaseDecision, lease: Lease): Promise<BrokerError> {
    const obstacle = await this.refusals.obstacle(decision, this.clock.now(), undefined);
    if (obstacle.kind === 'refused' && obstacle.error.code !== 'grant_limit_reached') return obstacle.error;
    const { state } = await this.leases.get(lease.id);
    if (state !== 'active') return new BrokerError('lease_not_active', { detail: `it is ${state}` });
    return new BrokerError('conflict', {
      detail: 'the grant or the lease changed meanwhile',
      retryAfterSeconds: 1,
    });
  }

  /** Unknown when the row cannot be read: then the worker has what it was told last. */
  private async usableUntil(lease: Lease, error: unknown): Promise<Date | null | undefined> {
    try {
      return usableUntil(await this.leases.get(lease.id), codeOf(error), this.clock.now());
    } catch {
      return undefined;
    }
  }

  private async recordRefusal(
    lease: Lease,
    caller: Caller,
    error: unknown,
    until: Date | null | undefined,
  ): Promise<void> {
    const outcome = isFailure(error) ? 'failure' : 'refused';
    const context = { caller, ...subjectOf(lease), outcome, code: codeOf(error) } as const;
    try {
      await this.audit.record('lease.renewal_refused', context, {
        detail: publicDetail(error),
        usable_until: until?.toISOString(),
      });
    } catch (unwritten) {
      this.log.error(
        { lease_id: lease.id, request_id: caller.requestId, ...safeErrorFields(unwritten) },
        'the event of a refused renewal could not be written',
      );
    }
  }
}

function latestExpiry(lease: Lease, { run, grant }: LeaseDecision): Date {
  const latest = earliest(lease.maxExpiresAt, run.deadline);
  return grant.expiresAt === null ? latest : earliest(latest, grant.expiresAt);
}

function notRenewable(lease: Lease): BrokerError {
  const detail = `it ends at ${lease.expiresAt.toISOString()}; lease the credential anew`;
  return new BrokerError('lease_not_renewable', { detail });
}
