import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../audit/audit-inbox.js';
import { prepared, type PreparedStatement } from '../database/prepared.js';
import { besidesKey } from '../database/by-key.js';
import { Transactions } from '../database/transaction.js';
import { systemCaller } from '../kernel/caller.js';
import { Clock } from '../kernel/clock.js';
import { Ids } from '../kernel/ids.js';
import { Settings } from '../settings/schema.js';
import { alertDue, backoffMs } from './backoff.js';
import { failureText } from './failure.js';
import { endStateOf, type Lease, type Proof } from './lease.js';
import { LEASE_COLUMNS, LEASE_JOINS, leaseOf, subjectOf, type LeaseRow } from './lease-row.js';
import { conditionOf, type LeaseSelector } from './lease-selector.js';

/** A lease that this process, and no other, may revoke for a while. */
export interface ClaimedLease {
  readonly lease: Lease;
  readonly accessor: string;
  readonly vaultLeaseId: string | undefined;
  /** Fences it: whoever claims the row later has another. */
  readonly claim: string;
  readonly claimedAtMs: number;
}

/** How the revocations of some leases stand. */
export interface RevocationTally {
  readonly proved: number;
  readonly outstanding: number;
  /** Of the outstanding ones, those that somebody is at work on. */
  readonly claimed: number;
}

interface ClaimedRow extends LeaseRow {
  readonly accessor: string;
  readonly vault_lease_id: string | null;
}

const DUE = `l.state IN ('revoking', 'orphaned') AND l.next_attempt_at <= $1::timestamptz
  AND (l.claimed_until IS NULL OR l.claimed_until <= $1::timestamptz)`;

const END: PreparedStatement = {
  name: 'lease.end',
  text: `
  WITH ended AS (
    UPDATE leases SET state = $3::text, ended_at = $4::timestamptz, proof = $5::text, attempts = attempts + 1,
      last_error = NULL, next_attempt_at = NULL, claimed_by = NULL, claimed_until = NULL
    WHERE id = $1::uuid AND claimed_by = $2::text AND ${besidesKey('state')} IN ('revoking', 'orphaned') RETURNING id
  ), event AS (
    INSERT INTO audit_inbox (event_id, leaf) SELECT $6::uuid, $7::bytea FROM ended
  )
  SELECT id FROM ended`,
};

const FAIL = `
  WITH failed AS (
    UPDATE leases SET attempts = attempts + 1, last_error = $3::text, next_attempt_at = $4::timestamptz,
      claimed_by = NULL, claimed_until = NULL
    WHERE id = $1::uuid AND claimed_by = $2::text AND ${besidesKey('state')} IN ('revoking', 'orphaned') RETURNING id
  ), event AS (
    INSERT INTO audit_inbox (event_id, leaf) SELECT $5::uuid, $6::bytea FROM failed WHERE $5::uuid IS NOT NULL
  )
  SELECT id FROM failed`;

/**
 * Who revokes which lease: claims in the database, so that replicas never do one twice, with a deadline, so that one
 * that died does not keep its claims. Each outcome is one statement that only the holder of the claim can make.
 */
@Injectable()
export class RevocationClaims {
  constructor(
    private readonly transactions: Transactions,
    private readonly audit: AuditInbox,
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Milliseconds that a claim holds. */
  get holdsMs(): number {
    return this.settings.values.leases.claimSeconds * 1000;
  }

  /** Mounts at which something is due, of these leases or of all. */
  async dueMounts(selector: LeaseSelector | undefined): Promise<readonly string[]> {
    const { sql, values } = narrowed(selector, [this.clock.now()]);
    const rows = await this.transactions.reads.query<{ mount: string }[]>(
      `SELECT DISTINCT l.mount FROM leases l WHERE ${DUE} AND ${sql}`,
      values,
    );
    return rows.map(({ mount }) => mount);
  }

  /** Claims what is due at a mount, longest due first; passes over rows that somebody else is claiming. */
  async claim(
    selector: LeaseSelector | undefined,
    mount: string,
    limit: number,
  ): Promise<readonly ClaimedLease[]> {
    const claim = this.ids.uuid();
    const claimedAtMs = this.clock.monotonicMs();
    const now = this.clock.now();
    const until = new Date(now.getTime() + this.holdsMs);
    const { sql, values } = narrowed(selector, [now, mount, limit, claim, until]);
    const rows = await this.transactions.reads.query<ClaimedRow[]>(
      `WITH due AS (
         SELECT l.id FROM leases l WHERE ${DUE} AND l.mount = $2::text AND ${sql}
         ORDER BY l.next_attempt_at LIMIT $3::int FOR UPDATE SKIP LOCKED
       ), claimed AS (
         UPDATE leases l SET claimed_by = $4::text, claimed_until = $5::timestamptz FROM due WHERE l.id = due.id RETURNING l.*
       )
       SELECT ${LEASE_COLUMNS}, l.accessor, l.vault_lease_id FROM claimed l ${LEASE_JOINS}`,
      values,
    );
    return rows.map((row) => ({
      lease: leaseOf(row),
      accessor: row.accessor,
      vaultLeaseId: row.vault_lease_id ?? undefined,
      claim,
      claimedAtMs,
    }));
  }

  /** Gives claims back untouched. */
  async release(claimed: readonly ClaimedLease[]): Promise<void> {
    if (claimed.length === 0) return;
    await this.transactions.reads.query(
      `UPDATE leases SET claimed_by = NULL, claimed_until = NULL
       WHERE id = ANY($1::uuid[]) AND claimed_by = ANY($2::text[])`,
      [claimed.map(({ lease }) => lease.id), claimed.map(({ claim }) => claim)],
    );
  }

  /** Records that Vault confirmed the end. False when the claim was lost: somebody else records it. */
  async ended({ lease, claim }: ClaimedLease, proof: Proof): Promise<boolean> {
    const state = endStateOf(lease.state, lease.revokeCause);
    const eventId = this.ids.uuid();
    const leaf = this.audit.leaf(
      eventId,
      'lease.ended',
      { caller: systemCaller('revoker', eventId), ...subjectOf(lease) },
      {
        state,
        cause: lease.revokeCause ?? 'crashed',
        proof,
        revocable: lease.revocable,
        attempts: lease.attempts + 1,
        secret_lives_on: !lease.revocable,
      },
    );
    const values = [lease.id, claim, state, this.clock.now(), proof, eventId, leaf];
    return (await prepared(this.transactions.reads, END, values)).length > 0;
  }

  /** Records a failed attempt and when the next one is, with an event when it is time to tell somebody. */
  async failed({ lease, claim }: ClaimedLease, error: unknown): Promise<boolean> {
    const { leases } = this.settings.values;
    const attempts = lease.attempts + 1;
    const wait = backoffMs(attempts, leases, this.ids.fraction());
    const next = new Date(this.clock.now().getTime() + wait);
    const detail = failureText(error);
    if (!alertDue(attempts, leases.alertAfterAttempts)) {
      return this.change(FAIL, [lease.id, claim, detail, next, null, null]);
    }
    const eventId = this.ids.uuid();
    const leaf = this.audit.leaf(
      eventId,
      'lease.revocation_failed',
      { caller: systemCaller('revoker', eventId), ...subjectOf(lease), outcome: 'failure' },
      { attempts, detail, next_attempt_at: next.toISOString() },
    );
    return this.change(FAIL, [lease.id, claim, detail, next, eventId, leaf]);
  }

  /** Makes leases due now that wait for their next attempt. */
  async bringForward(leaseIds: readonly string[]): Promise<void> {
    await this.transactions.reads.query(
      `UPDATE leases SET next_attempt_at = $2 WHERE id = ANY($1::uuid[]) AND state IN ('revoking', 'orphaned') AND next_attempt_at > $2`,
      [leaseIds, this.clock.now()],
    );
  }

  /** Of the leases named, how many have ended and how many have not yet. */
  async tally(leaseIds: readonly string[]): Promise<RevocationTally> {
    const [row] = await this.transactions.reads.query<RevocationTally[]>(
      `SELECT count(*) FILTER (WHERE l.state IN ('revoked', 'expired'))::int AS proved,
         count(*) FILTER (WHERE l.state IN ('revoking', 'orphaned'))::int AS outstanding,
         count(*) FILTER (WHERE l.state IN ('revoking', 'orphaned') AND l.claimed_until > $2)::int AS claimed
       FROM leases l WHERE l.id = ANY($1::uuid[])`,
      [leaseIds, this.clock.now()],
    );
    return row ?? { proved: 0, outstanding: 0, claimed: 0 };
  }

  /**
   * The leases whose revocation a selector is about: those that are being revoked, and of a run also those that
   * ended with it.
   */
  async concerned(selector: LeaseSelector): Promise<readonly string[]> {
    if ('leaseIds' in selector) return selector.leaseIds;
    const { sql, value } = conditionOf(selector, '$1');
    const withRun = 'runRef' in selector ? 'l.revoke_cause = r.end_cause' : 'false';
    const rows = await this.transactions.reads.query<{ id: string }[]>(
      `SELECT l.id FROM leases l JOIN runs r ON r.id = l.run_ref
       WHERE ${sql} AND (l.state IN ('revoking', 'orphaned') OR ${withRun})`,
      [value],
    );
    return rows.map(({ id }) => id);
  }

  private async change(sql: string, values: unknown[]): Promise<boolean> {
    const rows = await this.transactions.reads.query<unknown[]>(sql, values);
    return rows.length > 0;
  }
}

function narrowed(
  selector: LeaseSelector | undefined,
  values: readonly unknown[],
): { readonly sql: string; readonly values: unknown[] } {
  if (selector === undefined) return { sql: 'true', values: [...values] };
  const { sql, value } = conditionOf(selector, `$${values.length + 1}`);
  return { sql, values: [...values, value] };
}
