import type { Tx } from '../database/transaction.js';
import { columnsOf, type EventColumns } from './stored-event.js';

/** An event as it waits in the inbox; `seq` is a bigint, which the driver hands out as text. */
export interface WaitingEvent {
  readonly seq: string;
  readonly leaf: Buffer;
}

/** An event with its place in the log. The leaf itself stays in the database. */
export interface BatchRow extends EventColumns {
  readonly seq: string;
  readonly index: number;
}

/** Reads the oldest events of the inbox, at most `limit`, in order of `seq`. */
export function readBatch(tx: Tx, limit: number): Promise<WaitingEvent[]> {
  // By what is there and never by `seq > the last one seen`: a transaction that took a lower number may commit later,
  // and its events would be passed over for ever.
  return tx.query<WaitingEvent[]>('SELECT seq, leaf FROM audit_inbox ORDER BY seq LIMIT $1', [limit]);
}

/** Events as rows of the log from index `from` on. `now` stands in for the time of an event that has none. */
export function rowsOf(events: readonly WaitingEvent[], from: number, now: Date): BatchRow[] {
  return events.map(({ seq, leaf }, offset) => {
    const columns = columnsOf(leaf);
    return {
      ...columns,
      occurredAt: columns.occurredAt ?? now.toISOString(),
      seq,
      index: from + offset,
    };
  });
}

const MOVE = `WITH moved AS (
    DELETE FROM audit_inbox WHERE seq = ANY($1::bigint[]) RETURNING seq, event_id, leaf
  ), kept AS (
    INSERT INTO audit_entry (idx, event_id, kind, occurred_at, outcome, code, actor_issuer, actor_subject,
      workload_issuer, workload_subject, grant_id, grant_version, run_ref, run_id, step_id, lease_id, credential,
      tool, request_id, account_hmac, leaf)
    SELECT place.idx, moved.event_id, place.kind, place.occurred_at, place.outcome, place.code, place.actor_issuer,
      place.actor_subject, place.workload_issuer, place.workload_subject, place.grant_id, place.grant_version,
      place.run_ref, place.run_id, place.step_id, place.lease_id, place.credential, place.tool, place.request_id,
      place.account_hmac, moved.leaf
    FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[],
      $8::text[], $9::text[], $10::text[], $11::uuid[], $12::integer[], $13::uuid[], $14::text[], $15::text[],
      $16::uuid[], $17::text[], $18::text[], $19::text[], $20::text[]) AS place (seq, idx, kind, occurred_at, outcome,
      code, actor_issuer, actor_subject, workload_issuer, workload_subject, grant_id, grant_version, run_ref, run_id,
      step_id, lease_id, credential, tool, request_id, account_hmac)
    JOIN moved USING (seq)
    RETURNING 1
  ) SELECT count(*)::int AS count FROM kept`;

/**
 * Moves events from the inbox to the log; answers how many were still there to move. One statement however many they
 * are, and the leaves never leave the database for it.
 */
export async function moveBatch(tx: Tx, rows: readonly BatchRow[]): Promise<number> {
  const [moved] = await tx.query<{ count: number }[]>(MOVE, [
    rows.map((row) => row.seq),
    rows.map((row) => row.index),
    rows.map((row) => row.kind),
    rows.map((row) => row.occurredAt),
    rows.map((row) => row.outcome),
    rows.map((row) => row.code),
    rows.map((row) => row.actorIssuer),
    rows.map((row) => row.actorSubject),
    rows.map((row) => row.workloadIssuer),
    rows.map((row) => row.workloadSubject),
    rows.map((row) => row.grantId),
    rows.map((row) => row.grantVersion),
    rows.map((row) => row.runRef),
    rows.map((row) => row.runId),
    rows.map((row) => row.stepId),
    rows.map((row) => row.leaseId),
    rows.map((row) => row.credential),
    rows.map((row) => row.tool),
    rows.map((row) => row.requestId),
    rows.map((row) => row.accountHmac),
  ]);
  return moved?.count ?? 0;
}
