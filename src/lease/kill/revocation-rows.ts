import type { RevokeCause } from '../../audit/revoke-cause.js';
import { pageOf, decodeCursor, type Page } from '../../database/page.js';
import type { Tx } from '../../database/transaction.js';
import { actorName, type Caller } from '../../kernel/caller.js';
import { conditionOf } from '../lease-selector.js';
import type { KillSelector, MountProgress, Revocation, RevocationState } from './revocation.js';

interface RevocationRow {
  readonly id: string;
  readonly selector: KillSelector;
  readonly cause: RevokeCause;
  readonly reason: string | null;
  readonly caller: Caller;
  readonly requested_by: string;
  readonly requested_at: Date;
  readonly announced: boolean;
  readonly state: RevocationState;
  readonly finished_at: Date | null;
  readonly outcome: readonly MountOutcome[] | null;
}

/** The progress of a mount as it is kept when all is done. */
type MountOutcome = Omit<MountProgress, 'lastError' | 'nextAttemptAt'>;

/** A live lease that a selector found. */
export interface LiveLease {
  readonly id: string;
  readonly state: 'issuing' | 'active' | 'revoking' | 'orphaned';
}

/** Writes a new revocation, with the leases that it has to begin with. */
export async function insertRevocation(
  tx: Tx,
  revocation: Revocation,
  leaseIds: readonly string[],
): Promise<void> {
  await tx.query(
    `WITH opened AS (
       INSERT INTO revocations (id, selector, cause, reason, caller, requested_by, requested_at, announced, state, finished_at, outcome)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id
     ) INSERT INTO revocation_leases (revocation_id, lease_id) SELECT id, unnest($12::uuid[]) FROM opened`,
    [
      revocation.id,
      JSON.stringify(revocation.selector),
      revocation.cause,
      revocation.reason,
      JSON.stringify(revocation.caller),
      actorName(revocation.caller.actor),
      revocation.requestedAt,
      revocation.announced,
      revocation.state,
      revocation.finishedAt,
      revocation.state === 'done' ? '[]' : null,
      leaseIds,
    ],
  );
}

/** Live leases of a selector in order of id, from after `after`; at most `limit`. */
export async function liveLeases(
  tx: Tx,
  selector: KillSelector,
  after: string | undefined,
  limit: number,
): Promise<LiveLease[]> {
  const { sql, value } = conditionOf(selector, '$1');
  return tx.query<LiveLease[]>(
    `SELECT l.id, l.state FROM leases l
     WHERE l.state IN ('issuing', 'active', 'revoking', 'orphaned') AND ${sql} AND ($2::uuid IS NULL OR l.id > $2)
     ORDER BY l.id LIMIT $3`,
    [value, after ?? null, limit],
  );
}

/** Ids of the leases of a selector that are being issued at this moment: few, whatever the selector. */
export async function issuingLeases(tx: Tx, selector: KillSelector): Promise<string[]> {
  const { sql, value } = conditionOf(selector, '$1');
  const rows = await tx.query<{ id: string }[]>(
    `SELECT l.id FROM leases l WHERE l.state = 'issuing' AND ${sql}`,
    [value],
  );
  return rows.map(({ id }) => id);
}

/** How many leases of a selector would be marked. */
export async function countMarkable(tx: Tx, selector: KillSelector): Promise<number> {
  const { sql, value } = conditionOf(selector, '$1');
  const [row] = await tx.query<{ count: number }[]>(
    `SELECT count(*)::int AS count FROM leases l WHERE l.state IN ('issuing', 'active') AND ${sql}`,
    [value],
  );
  return row?.count ?? 0;
}

/** Adds leases to a revocation; those that it has already are fine. */
export async function addLeases(tx: Tx, revocationId: string, leaseIds: readonly string[]): Promise<void> {
  if (leaseIds.length === 0) return;
  await tx.query(
    `INSERT INTO revocation_leases (revocation_id, lease_id) SELECT $1::uuid, unnest($2::uuid[]) ON CONFLICT DO NOTHING`,
    [revocationId, leaseIds],
  );
}

/** What waits for a later attempt and nobody is at work on becomes due now. */
export async function hasten(tx: Tx, revocationId: string, now: Date): Promise<void> {
  await tx.query(
    `UPDATE leases l SET next_attempt_at = $2 FROM (
       SELECT x.id FROM leases x JOIN revocation_leases v ON v.lease_id = x.id
       WHERE v.revocation_id = $1 AND x.state IN ('revoking', 'orphaned') AND x.next_attempt_at > $2 AND x.claimed_until IS NULL
       ORDER BY x.id FOR UPDATE OF x SKIP LOCKED) due
     WHERE l.id = due.id`,
    [revocationId, now],
  );
}

/** Ends the marking; answers whether it was going on. */
export async function endMarking(tx: Tx, revocationId: string): Promise<boolean> {
  const rows = await tx.query<unknown[]>(
    `WITH ended AS (UPDATE revocations SET state = 'revoking' WHERE id = $1 AND state = 'marking' RETURNING id) SELECT id FROM ended`,
    [revocationId],
  );
  return rows.length > 0;
}

/** Writes that nothing is outstanding any more, and what came of it; answers whether this was the one who did. */
export async function finish(
  tx: Tx,
  revocationId: string,
  mounts: readonly MountProgress[],
  now: Date,
): Promise<boolean> {
  const outcome: MountOutcome[] = mounts.map(({ lastError: _, nextAttemptAt: __, ...counts }) => counts);
  const rows = await tx.query<unknown[]>(
    `WITH done AS (
       UPDATE revocations SET state = 'done', finished_at = $2, outcome = $3 WHERE id = $1 AND state = 'revoking' RETURNING id
     ), dropped AS (DELETE FROM revocation_leases WHERE revocation_id IN (SELECT id FROM done))
     SELECT id FROM done`,
    [revocationId, now, JSON.stringify(outcome)],
  );
  return rows.length > 0;
}

/** Revocations that the rest of a statement selects, over `v`. */
export async function selectRevocations(
  tx: Tx,
  rest: string,
  values: readonly unknown[],
): Promise<{ readonly revocation: Revocation; readonly outcome: readonly MountProgress[] | undefined }[]> {
  const rows = await tx.query<RevocationRow[]>(`SELECT v.* FROM revocations v ${rest}`, [...values]);
  return rows.map((row) => ({
    revocation: revocationOf(row),
    outcome: row.outcome?.map((counts) => ({ ...counts, lastError: null, nextAttemptAt: null })),
  }));
}

/** Revocations, newest first. */
export async function listRevocations(
  tx: Tx,
  filter: {
    readonly state?: RevocationState | undefined;
    readonly limit: number;
    readonly cursor?: string | undefined;
  },
): Promise<Page<Awaited<ReturnType<typeof selectRevocations>>[number]>> {
  const before = filter.cursor === undefined ? null : String(decodeCursor(filter.cursor, 1)[0]);
  const rows = await selectRevocations(
    tx,
    `WHERE ($1::text IS NULL OR v.state = $1) AND ($2::text IS NULL OR v.id::text < $2) ORDER BY v.id DESC LIMIT $3`,
    [filter.state ?? null, before, filter.limit + 1],
  );
  return pageOf(rows, filter.limit, ({ revocation }) => [revocation.id]);
}

/** How far the leases of a revocation are, mount by mount. A lease whose row was dropped had ended. */
export async function mountProgress(tx: Tx, revocationId: string): Promise<MountProgress[]> {
  const rows = await tx.query<
    {
      mount: string;
      leases: number;
      proved: number;
      outstanding: number;
      failing: number;
      forgotten: number;
      secret_lives_on: number;
      last_error: string | null;
      next_attempt_at: Date | null;
    }[]
  >(
    `SELECT coalesce(l.mount, '') AS mount, count(*)::int AS leases,
       count(*) FILTER (WHERE l.id IS NULL OR l.proof IS NOT NULL)::int AS proved,
       count(*) FILTER (WHERE l.id IS NOT NULL AND l.ended_at IS NULL)::int AS outstanding,
       count(*) FILTER (WHERE l.id IS NOT NULL AND l.ended_at IS NULL AND l.attempts > 0)::int AS failing,
       count(*) FILTER (WHERE l.ended_at IS NOT NULL AND l.proof IS NULL)::int AS forgotten,
       count(*) FILTER (WHERE l.ended_at IS NOT NULL AND NOT l.revocable)::int AS secret_lives_on,
       max(l.last_error) FILTER (WHERE l.ended_at IS NULL) AS last_error,
       min(l.next_attempt_at) FILTER (WHERE l.ended_at IS NULL AND l.attempts > 0) AS next_attempt_at
     FROM revocation_leases v LEFT JOIN leases l ON l.id = v.lease_id
     WHERE v.revocation_id = $1 GROUP BY 1 ORDER BY 1`,
    [revocationId],
  );
  return rows.map((row) => ({
    mount: row.mount,
    leases: row.leases,
    proved: row.proved,
    outstanding: row.outstanding,
    failing: row.failing,
    forgotten: row.forgotten,
    secretLivesOn: row.secret_lives_on,
    lastError: row.last_error,
    nextAttemptAt: row.next_attempt_at,
  }));
}

function revocationOf(row: RevocationRow): Revocation {
  return {
    id: row.id,
    selector: row.selector,
    cause: row.cause,
    reason: row.reason,
    caller: row.caller,
    requestedBy: row.requested_by,
    requestedAt: row.requested_at,
    announced: row.announced,
    state: row.state,
    finishedAt: row.finished_at,
  };
}
