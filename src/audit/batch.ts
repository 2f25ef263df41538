import type { Tx } from '../database/transaction.js';
import { chainHash, leafHash } from './chain.js';
import { columnsOf } from './stored-event.js';

/** An event as it waits in the inbox; `seq` is a bigint, which the driver hands out as text. */
export interface WaitingEvent {
  readonly seq: string;
  readonly event_id: string;
  readonly leaf: Buffer;
}

/** Takes the oldest events out of the inbox, at most `limit`, in order of `seq`. */
export async function takeBatch(tx: Tx, limit: number): Promise<WaitingEvent[]> {
  // By what is there and never by `seq > the last one seen`: a transaction that took a lower number may commit later,
  // and its events would be passed over for ever.
  const [events] = await tx.query<[WaitingEvent[], number]>(
    `DELETE FROM audit_inbox WHERE seq = ANY(ARRAY(SELECT seq FROM audit_inbox ORDER BY seq LIMIT $1))
     RETURNING seq, event_id, leaf`,
    [limit],
  );
  // RETURNING promises no order.
  return events.sort((a, b) => (BigInt(a.seq) < BigInt(b.seq) ? -1 : 1));
}

const INSERT = `INSERT INTO audit_entry (idx, event_id, kind, occurred_at, outcome, code, actor_issuer, actor_subject,
    workload_issuer, workload_subject, grant_id, grant_version, run_ref, run_id, step_id, lease_id, credential,
    tool, request_id, account_hmac, leaf, leaf_hash, chain_hash)
  SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::text[], $10::text[], $11::uuid[], $12::integer[], $13::uuid[], $14::text[], $15::text[], $16::uuid[], $17::text[],
    $18::text[], $19::text[], $20::text[], $21::bytea[], $22::bytea[], $23::bytea[])`;

/**
 * Appends events to the log from index `from` on, after the chain hash `before`; answers the chain hash after them.
 * `now` stands in for the time of an event that has none. One statement however many they are.
 */
export async function appendBatch(
  tx: Tx,
  events: readonly WaitingEvent[],
  from: number,
  before: Buffer,
  now: Date,
): Promise<Buffer> {
  let chain = before;
  const rows = events.map(({ event_id, leaf }, offset) => {
    const hash = leafHash(leaf);
    chain = chainHash(chain, hash);
    return { idx: from + offset, event_id, leaf, hash, chain, ...columnsOf(leaf) };
  });
  await tx.query(INSERT, [
    rows.map((row) => row.idx),
    rows.map((row) => row.event_id),
    rows.map((row) => row.kind),
    rows.map((row) => row.occurredAt ?? now.toISOString()),
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
    rows.map((row) => row.leaf),
    rows.map((row) => row.hash),
    rows.map((row) => row.chain),
  ]);
  return chain;
}
