import { Injectable } from '@nestjs/common';
import { besidesKey } from '../database/by-key.js';
import { Transactions, type Tx } from '../database/transaction.js';
import { Clock } from '../kernel/clock.js';
import { Ids } from '../kernel/ids.js';
import { Settings } from '../settings/schema.js';
import { NOT_HELD } from './hold.js';
import type { Lease } from './lease.js';
import { LEASE_COLUMNS, LEASE_JOINS, leaseOf, type LeaseRow } from './lease-row.js';
import { conditionOf, type LeaseSelector } from './lease-selector.js';

/** What is written on rows to claim them. */
export interface Claim {
  /** Fences them: whoever claims a row later has another. */
  readonly claim: string;
  readonly claimedAtMs: number;
  readonly until: Date;
}

/** A lease that this process, and no other, may revoke for a while. */
export interface ClaimedLease extends Pick<Claim, 'claim' | 'claimedAtMs'> {
  readonly lease: Lease;
  readonly accessor: string;
  readonly vaultLeaseId: string | undefined;
}

/** How the revocations of some leases stand. */
export interface RevocationTally {
  readonly proved: number;
  readonly outstanding: number;
  /** Of the outstanding ones, those that somebody is at work on. */
  readonly claimed: number;
}

/** A row that was claimed, with {@link CLAIMED_COLUMNS}. */
export interface ClaimedRow extends LeaseRow {
  readonly accessor: string;
  readonly vault_lease_id: string | null;
}

/** What a revoker has to know of a lease besides; `l` is the lease. */
export const CLAIMED_COLUMNS = 'l.accessor, l.vault_lease_id';

/** The lease that a row describes, under the claim that was written on it. */
export function claimedLeaseOf(row: ClaimedRow, { claim, claimedAtMs }: Claim): ClaimedLease {
  const vaultLeaseId = row.vault_lease_id ?? undefined;
  return { lease: leaseOf(row), accessor: row.accessor, vaultLeaseId, claim, claimedAtMs };
}

const ENDING = `l.state IN ('revoking', 'orphaned')`;
const DUE = `${ENDING} AND l.next_attempt_at <= $1::timestamptz
  AND (l.claimed_until IS NULL OR l.claimed_until <= $1::timestamptz)`;

// From mount to mount by the index, so that it costs the same however much waits at each of them. By LIMIT the last part is
// asked for each mount: as EXISTS it may be made a join, which reads all that is due.
const DUE_MOUNTS = `
  WITH RECURSIVE mounts AS (
    (SELECT l.mount FROM leases l WHERE ${ENDING} ORDER BY l.mount LIMIT 1)
    UNION ALL
    SELECT (SELECT l.mount FROM leases l WHERE ${ENDING} AND l.mount > m.mount ORDER BY l.mount LIMIT 1)
    FROM mounts m WHERE m.mount IS NOT NULL
  )
  SELECT m.mount FROM mounts m
  WHERE (SELECT true FROM leases l WHERE ${ENDING} AND l.mount = m.mount AND l.next_attempt_at <= $1::timestamptz
    ORDER BY l.next_attempt_at LIMIT 1)`;

/**
 * Who revokes which lease: claims in the database, so that replicas never do one twice, with a deadline, so that one
 * that died does not keep its claims. Each outcome is one statement that only the holder of the claim can make.
 */
@Injectable()
export class RevocationClaims {
  constructor(
    private readonly transactions: Transactions,
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Milliseconds that a claim holds. */
  get holdsMs(): number {
    return this.settings.values.leases.claimSeconds * 1000;
  }

  /** A new claim, from now on. */
  newClaim(): Claim {
    const until = new Date(this.clock.now().getTime() + this.holdsMs);
    return { claim: this.ids.uuid(), claimedAtMs: this.clock.monotonicMs(), until };
  }

  /** Mounts at which something is due, of these leases or of all. */
  async dueMounts(selector: LeaseSelector | undefined): Promise<readonly string[]> {
    const { sql, values } = narrowed(selector, [this.clock.now()]);
    const rows = await this.transactions.reads.query<{ mount: string }[]>(
      selector === undefined ? DUE_MOUNTS : `SELECT DISTINCT l.mount FROM leases l WHERE ${DUE} AND ${sql}`,
      values,
    );
    return rows.map(({ mount }) => mount);
  }

  /**
   * Claims what is due at a mount, longest due first; passes over rows that somebody else is claiming. While revocation
   * is held, only leases that are named are claimed.
   */
  async claim(
    selector: LeaseSelector | undefined,
    mount: string,
    limit: number,
  ): Promise<readonly ClaimedLease[]> {
    const own = this.newClaim();
    const { sql, values } = narrowed(selector, [this.clock.now(), mount, limit, own.claim, own.until]);
    // What a selector names is found by its own index: by mount, it would be looked for among all that waits there.
    const atMount = selector === undefined ? 'l.mount' : besidesKey('l.mount');
    const rows = await this.transactions.reads.query<ClaimedRow[]>(
      `WITH due AS (
         SELECT l.id FROM leases l WHERE ${DUE} AND ${atMount} = $2::text AND ${sql} AND ${named(selector) ? 'true' : NOT_HELD}
         ORDER BY l.next_attempt_at LIMIT $3::int FOR UPDATE SKIP LOCKED
       ), claimed AS (
         UPDATE leases l SET claimed_by = $4::text, claimed_until = $5::timestamptz FROM due WHERE l.id = due.id RETURNING l.*
       )
       SELECT ${LEASE_COLUMNS}, ${CLAIMED_COLUMNS} FROM claimed l ${LEASE_JOINS} ORDER BY l.next_attempt_at`,
      values,
    );
    return rows.map((row) => claimedLeaseOf(row, own));
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

  /** Makes leases due now that wait for their next attempt; answers how many are being revoked, due before or not. */
  async bringForward(tx: Tx, leaseIds: readonly string[]): Promise<number> {
    const rows = await tx.query<unknown[]>(
      `WITH waiting AS (
         SELECT l.id FROM leases l WHERE l.id = ANY($1::uuid[]) AND ${ENDING} ORDER BY l.id FOR UPDATE
       ), forward AS (
         UPDATE leases l SET next_attempt_at = $2 FROM waiting WHERE l.id = waiting.id AND l.next_attempt_at > $2
       )
       SELECT id FROM waiting`,
      [leaseIds, this.clock.now()],
    );
    return rows.length;
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
}

/** Whether somebody named the leases, rather than a rule selecting them. */
function named(selector: LeaseSelector | undefined): boolean {
  return selector !== undefined && 'leaseIds' in selector;
}

function narrowed(
  selector: LeaseSelector | undefined,
  values: readonly unknown[],
): { readonly sql: string; readonly values: unknown[] } {
  if (selector === undefined) return { sql: 'true', values: [...values] };
  const { sql, value } = conditionOf(selector, `$${values.length + 1}`);
  return { sql, values: [...values, value] };
}
