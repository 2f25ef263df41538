import { QueryFailedError } from 'typeorm';
import type { Tx } from '../database/transaction.js';
import { splitHashes } from '../tlog/hash.js';
import { MAX_COLUMN_CHARS } from './stored-event.js';

/** The oldest events of the inbox, of which only the hashes leave the database. */
export interface PlainBatch {
  /** Their numbers in the inbox, as PostgreSQL writes an array. */
  readonly seqs: string;
  /** Of their leaves, in order. */
  readonly hashes: readonly Buffer[];
}

/** An event of the batch has to be read by us: PostgreSQL would read it otherwise. */
export class NotPlain extends Error {
  override readonly name = 'NotPlain';
}

const OLDEST = `SELECT array_agg(seq ORDER BY seq)::text AS seqs,
    string_agg(sha256('\\x00'::bytea || leaf), ''::bytea ORDER BY seq) AS hashes
  FROM (SELECT seq, leaf FROM audit_inbox ORDER BY seq LIMIT $1) AS oldest`;

// Regular expressions would say the same, and take longer than all the rest: 4 µs for each UUID.
const DIGITS = `'0123456789'`;

/** What has to be text or missing. */
const TEXTS = [
  ...['kind', 'time', 'outcome', 'code', 'step_id', 'lease_id', 'credential', 'request_id'].map(
    (name) => `event->'${name}'`,
  ),
  ...['type', 'issuer', 'subject', 'name'].map((name) => `actor->'${name}'`),
  ...['issuer', 'subject'].map((name) => `workload->'${name}'`),
  ...['ref', 'run_id'].map((name) => `run->'${name}'`),
  `grants->'id'`,
  `event->'tool'->'name'`,
];

const UUIDS = [`event->>'lease_id'`, `run->>'ref'`, `grants->>'id'`];

const PLAIN = [
  `jsonb_typeof(event) = 'object'`,
  `coalesce(translate(event->>'time', ${DIGITS}, '0000000000') = '0000-00-00T00:00:00.000Z', false)`,
  // PostgreSQL knows a second 60, and we do not.
  `substr(event->>'time', 18, 1) <> '6'`,
  `coalesce(jsonb_typeof(grants->'version') = 'number' AND translate(grants->>'version', ${DIGITS}, '') = ''
    AND length(grants->>'version') < 10, true)`,
  `(actor->>'type' IS DISTINCT FROM 'system' OR actor->>'name' IS NOT NULL)`,
  ...TEXTS.map((value) => `coalesce(jsonb_typeof(${value}) = 'string', true)`),
  ...UUIDS.map(
    (text) => `coalesce((${text})::uuid::text = ${text} AND position(substr(${text}, 15, 1) IN '12345678') > 0
      AND position(substr(${text}, 20, 1) IN '89ab') > 0, true)`,
  ),
].join(' AND ');

const MOVE = `WITH moved AS (
    DELETE FROM audit_inbox WHERE seq = ANY($1::bigint[]) RETURNING seq, event_id, leaf
  ), read AS (
    SELECT $2::bigint - 1 + row_number() OVER (ORDER BY seq) AS idx, event_id, leaf,
      convert_from(leaf, 'UTF8')::jsonb AS event FROM moved
  ), parts AS (
    SELECT *, event->'actor' AS actor, event->'workload' AS workload, event->'grant' AS grants, event->'run' AS run
    FROM read OFFSET 0
  ), kept AS (
    INSERT INTO audit_entry (idx, event_id, kind, occurred_at, outcome, code, actor_issuer, actor_subject,
      workload_issuer, workload_subject, grant_id, grant_version, run_ref, run_id, step_id, lease_id, credential,
      tool, request_id, account_hmac, leaf)
    SELECT idx, event_id, coalesce(${column(`event->>'kind'`)}, 'unreadable'), coalesce((event->>'time')::timestamptz, 'epoch'),
      coalesce(${column(`event->>'outcome'`)}, 'unreadable'), ${column(`event->>'code'`)},
      ${column(`actor->>'issuer'`)},
      ${column(`CASE actor->>'type' WHEN 'system' THEN 'system:' || (actor->>'name')
        WHEN 'anonymous' THEN 'anonymous' ELSE actor->>'subject' END`)},
      ${column(`workload->>'issuer'`)}, ${column(`workload->>'subject'`)}, (grants->>'id')::uuid,
      (grants->>'version')::integer, (run->>'ref')::uuid, ${column(`run->>'run_id'`)},
      ${column(`event->>'step_id'`)}, (event->>'lease_id')::uuid, ${column(`event->>'credential'`)},
      ${column(`event->'tool'->>'name'`)}, ${column(`event->>'request_id'`)},
      CASE WHEN event->>'kind' = 'lease.issued' AND jsonb_typeof(event->'data'->'account') = 'string'
        THEN ${column(`event->'data'->>'account'`)} END, leaf
    FROM parts ORDER BY idx RETURNING 1
  ) SELECT (SELECT count(*)::int FROM kept) AS count, (SELECT bool_and(${PLAIN}) FROM parts) AS plain`;

/** Reads the hashes of the oldest events of the inbox, at most `limit`, in order of `seq`. */
export async function readPlain(tx: Tx, limit: number): Promise<PlainBatch> {
  const [row] = await tx.query<{ seqs: string | null; hashes: Buffer | null }[]>(OLDEST, [limit]);
  return { seqs: row?.seqs ?? '{}', hashes: splitHashes(row?.hashes ?? Buffer.alloc(0)) };
}

/**
 * Moves events to the log without reading them here; answers how many were still there to move. The columns are those of
 * `columnsOf`, or {@link NotPlain} is thrown and the transaction has to be given up.
 */
export async function movePlain(tx: Tx, seqs: string, from: number): Promise<number> {
  try {
    const [moved] = await tx.query<{ count: number; plain: boolean | null }[]>(MOVE, [seqs, from]);
    if (moved?.plain === false) throw new NotPlain('an event is not of the usual shape');
    return moved?.count ?? 0;
  } catch (error) {
    if (isUnread(error)) throw new NotPlain('an event cannot be read by PostgreSQL', { cause: error });
    throw error;
  }
}

/** Bad data (class 22), or nested too deeply (54): what is no JSON, no UTF-8, no instant. */
function isUnread(error: unknown): boolean {
  const code = error instanceof QueryFailedError ? (error.driverError as { code?: unknown }).code : undefined;
  return typeof code === 'string' && /^(22|54)/.test(code);
}

function column(text: string): string {
  return `left(${text}, ${MAX_COLUMN_CHARS})`;
}
