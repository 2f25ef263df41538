import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../audit/audit-inbox.js';
import { prepared, type PreparedStatement } from '../database/prepared.js';
import { besidesKey } from '../database/by-key.js';
import { Transactions, type Tx } from '../database/transaction.js';
import type { Caller } from '../kernel/caller.js';
import { Clock } from '../kernel/clock.js';
import type { ErrorCode } from '../kernel/error-codes.js';
import { Ids } from '../kernel/ids.js';
import { issuingLease, type Issuing, type Made } from './issuing.js';
import type { Lease } from './lease.js';
import { NOT_ENDED, subjectOf } from './lease-row.js';

/**
 * What still has to be true when a lease is written, with the rows locked so that it stays true until the commit.
 *
 * Rows are locked in one order everywhere: grant, run, credential, lease. Ending a grant, a run or a credential
 * updates its row first and its leases after; so it either waits for this and sees the lease, or this waits for it
 * and finds nothing.
 *
 * $1 grant, $2 its version, $3 run, $4 credential, $5 its version, $6 now.
 */
export const STILL_ALLOWED = `
  SELECT c.kind, c.mount, c.revocable FROM grants g JOIN runs r ON r.grant_id = g.id CROSS JOIN credentials c
  WHERE g.id = $1::uuid AND g.version = $2::int AND ${besidesKey('g.state')} = 'active' AND (g.expires_at IS NULL OR g.expires_at > $6::timestamptz)
    AND r.id = $3::uuid AND ${besidesKey('r.state')} = 'open' AND r.deadline > $6::timestamptz
    AND c.name = $4::text AND c.version = $5::int AND c.enabled`;

/** Locks the rows of {@link STILL_ALLOWED}, in that order. */
export const LOCKED = 'FOR SHARE OF g, r, c';

// $7 lease, $8 step, $9 delivery, $10 accessor, $11 expiry, $12 last expiry, $13 idempotency key, $14 and $15 the
// event, $16 and $17 the most live leases of the grant and of the run.
const REQUEST: PreparedStatement = {
  name: 'lease.request',
  text: `
  WITH allowed AS (
    ${STILL_ALLOWED}
      AND ($13::text IS NULL OR NOT EXISTS (
        SELECT 1 FROM leases e
        WHERE e.run_ref = $3::uuid AND e.idempotency_key = $13::text AND e.${NOT_ENDED}))
      AND ($16::int IS NULL OR $16::int > (
        SELECT count(*) FROM leases e WHERE e.grant_id = $1::uuid AND e.${NOT_ENDED}))
      AND ($17::int IS NULL OR $17::int > (
        SELECT count(*) FROM leases e WHERE e.run_ref = $3::uuid AND e.${NOT_ENDED}))
    ${LOCKED}
  ), requested AS (
    INSERT INTO leases (id, run_ref, step_id, grant_id, grant_version, credential, credential_version, kind, mount,
      delivery, revocable, state, accessor, requested_at, expires_at, max_expires_at, idempotency_key)
    SELECT $7::uuid, $3::uuid, $8::text, $1::uuid, $2::int, $4::text, $5::int, kind, mount,
      $9::text, revocable, 'issuing', $10::text, $6::timestamptz, $11::timestamptz, $12::timestamptz, $13::text
    FROM allowed
    RETURNING id
  ), event AS (
    INSERT INTO audit_inbox (event_id, leaf) SELECT $14::uuid, $15::bytea FROM requested
  )
  SELECT id FROM requested`,
};

const ACTIVATE: PreparedStatement = {
  name: 'lease.activate',
  text: `
  WITH issued AS (
    UPDATE leases SET state = 'active', vault_lease_id = $2::text, account = $3::text, issued_at = $4::timestamptz,
      expires_at = $5::timestamptz, max_expires_at = $6::timestamptz, revocable = $7::boolean
    WHERE id = $1::uuid AND ${besidesKey('state')} = 'issuing' RETURNING id
  ), event AS (
    INSERT INTO audit_inbox (event_id, leaf) SELECT $8::uuid, $9::bytea FROM issued
  )
  SELECT id FROM issued`,
};

// A commit whose answer was lost may have made it active; then it has to end all the same.
const FAIL = `
  WITH failed AS (
    UPDATE leases SET state = 'revoking', revoke_cause = 'failed', revoke_requested_at = $2::timestamptz,
      next_attempt_at = $2::timestamptz, vault_lease_id = COALESCE(vault_lease_id, $3::text)
    WHERE id = $1::uuid AND ${besidesKey('state')} IN ('issuing', 'active') RETURNING id
  ), event AS (
    INSERT INTO audit_inbox (event_id, leaf) SELECT $4::uuid, $5::bytea FROM failed
  )
  SELECT id FROM failed`;

/** The durable steps of issuing a lease: each one statement, which changes the row and appends the event, or neither. */
@Injectable()
export class LeaseRecords {
  constructor(
    private readonly transactions: Transactions,
    private readonly audit: AuditInbox,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Step 3: whether the lease was written as `issuing`. False when something that was decided on no longer holds. */
  async request(issuing: Issuing, caller: Caller): Promise<boolean> {
    const limits = issuing.decision.grant.spec.limits;
    if (limits?.liveLeases === undefined && limits?.liveLeasesPerRun === undefined) {
      return this.insert(this.transactions.reads, issuing, caller);
    }
    return this.transactions.run(async (tx) => {
      // A cap counts leases that others are inserting, so they take turns. It needs a statement of its own: a count
      // in the statement that waits for the lock would not see what was committed while it waited.
      const { grant, run } = issuing.decision;
      await tx.query(
        `SELECT 1 FROM grants WHERE id = $1 ${limits.liveLeases === undefined ? 'FOR SHARE' : 'FOR NO KEY UPDATE'}`,
        [grant.id],
      );
      if (limits.liveLeasesPerRun !== undefined) {
        await tx.query('SELECT 1 FROM runs WHERE id = $1 FOR NO KEY UPDATE', [run.id]);
      }
      return this.insert(tx, issuing, caller);
    });
  }

  /** Step 5: whether the lease became `active`. False when it was marked for revocation meanwhile. */
  async activate(issuing: Issuing, made: Made, issuedAt: Date, caller: Caller): Promise<boolean> {
    const eventId = this.ids.uuid();
    const leaf = this.audit.leaf(
      eventId,
      'lease.issued',
      { caller, ...subjectOf(issuingLease(issuing)) },
      {
        expires_at: made.expiresAt.toISOString(),
        delivery: issuing.decision.delivery,
        revocable: made.revocable,
        vault_lease: made.vaultLeaseId,
        account: made.account,
      },
    );
    const rows = await prepared(this.transactions.reads, ACTIVATE, [
      issuing.leaseId,
      made.vaultLeaseId ?? null,
      made.account ?? null,
      issuedAt,
      made.expiresAt,
      made.maxExpiresAt,
      made.revocable,
      eventId,
      leaf,
    ]);
    return rows.length > 0;
  }

  /**
   * Marks a lease that could not be issued for revocation, and keeps what Vault called it if that much is known.
   * False when it was marked before by somebody else.
   */
  async fail(lease: Lease, failure: IssueFailure, caller: Caller): Promise<boolean> {
    const eventId = this.ids.uuid();
    const leaf = this.audit.leaf(
      eventId,
      'lease.failed',
      { caller, ...subjectOf(lease), outcome: 'failure', code: failure.code },
      { detail: failure.detail },
    );
    const rows = await this.transactions.reads.query<unknown[]>(FAIL, [
      lease.id,
      this.clock.now(),
      failure.vaultLeaseId ?? null,
      eventId,
      leaf,
    ]);
    return rows.length > 0;
  }

  /** Tells whoever revokes a lease by its accessor what Vault calls it, so that the proof covers that too. */
  async learnVaultLease(leaseId: string, vaultLeaseId: string): Promise<void> {
    await this.transactions.reads.query(
      `UPDATE leases SET vault_lease_id = $2 WHERE id = $1 AND vault_lease_id IS NULL AND state IN ('revoking', 'orphaned')`,
      [leaseId, vaultLeaseId],
    );
  }

  private async insert(tx: Tx, issuing: Issuing, caller: Caller): Promise<boolean> {
    const { run, grant, credential } = issuing.decision;
    const { limits } = grant.spec;
    const lease = issuingLease(issuing);
    const eventId = this.ids.uuid();
    const leaf = this.audit.leaf(
      eventId,
      'lease.requested',
      { caller, ...subjectOf(lease) },
      {
        kind: credential.kind,
        mount: credential.mount,
        delivery: lease.delivery,
        ttl_seconds: issuing.decision.ttlSeconds,
        revocable: lease.revocable,
        accessor: issuing.token.accessor,
      },
    );
    const rows = await prepared(tx, REQUEST, [
      grant.id,
      grant.version,
      run.id,
      credential.name,
      credential.version,
      lease.requestedAt,
      lease.id,
      lease.stepId,
      lease.delivery,
      issuing.token.accessor,
      lease.expiresAt,
      lease.maxExpiresAt,
      issuing.idempotencyKey ?? null,
      eventId,
      leaf,
      limits?.liveLeases ?? null,
      limits?.liveLeasesPerRun ?? null,
    ]);
    return rows.length > 0;
  }
}

/** Why a lease could not be issued. */
export interface IssueFailure {
  readonly code: ErrorCode;
  readonly detail: string | undefined;
  readonly vaultLeaseId: string | undefined;
}
