import pg from 'pg';
import type { FaultParts } from './fault-parts.js';
import { readVault, type VaultBook } from './vault-book.js';

/** A row of a lease. */
export interface LeaseRow {
  readonly id: string;
  readonly run_id: string;
  readonly state: string;
  readonly account: string | null;
  readonly issued: boolean;
  readonly ended: boolean;
  readonly renewals: number;
}

/** A row of a run. */
export interface RunRow {
  readonly id: string;
  readonly run_id: string;
  readonly state: string;
}

/** An event of the log. */
export interface LoggedEvent {
  readonly idx: number;
  readonly kind: string;
  readonly lease_id: string | null;
  readonly run_ref: string | null;
}

/** What the four books say at one moment: the target, Vault, the rows, the log. */
export interface Books {
  /** Users in the target that Vault made and did not drop. */
  readonly targetUsers: readonly string[];
  readonly vault: VaultBook;
  readonly leases: readonly LeaseRow[];
  readonly runs: readonly RunRow[];
  readonly events: readonly LoggedEvent[];
  readonly log: {
    /** What the head of the log says. */
    readonly size: number;
    /** Events that nobody has sequenced yet. */
    readonly waiting: number;
    /** Entries whose hash is not that of their leaf. */
    readonly wrongHashes: number;
  };
}

/** Users that Vault has made in the target and not dropped. */
export async function usersInTarget({ target }: FaultParts): Promise<string[]> {
  const rows = await select<{ name: string }>(
    target.url,
    `SELECT m.rolname AS name FROM pg_auth_members a
     JOIN pg_roles m ON m.oid = a.member JOIN pg_roles g ON g.oid = a.roleid
     WHERE g.rolname = '${target.readers}' AND m.rolname <> '${target.vaultAccount.username}' ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

/** Rows of the brokers' own database, past the proxies. */
export async function select<Row extends object>(url: string, text: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}

/** Reads all four. */
export async function readBooks(parts: FaultParts): Promise<Books> {
  const { databaseUrl: url } = parts;
  const leases = await select<LeaseRow>(
    url,
    `SELECT l.id, r.run_id, l.state, l.account, l.issued_at IS NOT NULL AS issued, l.ended_at IS NOT NULL AS ended, l.renewals
     FROM leases l JOIN runs r ON r.id = l.run_ref`,
  );
  const runs = await select<RunRow>(url, 'SELECT id, run_id, state FROM runs');
  const events = await select<LoggedEvent>(
    url,
    'SELECT idx::int, kind, lease_id, run_ref FROM audit_entry ORDER BY idx',
  );
  const [log] = await select<Books['log']>(
    url,
    `SELECT (SELECT size::int FROM audit_head) AS size, (SELECT count(*)::int FROM audit_inbox) AS waiting,
       (SELECT count(*)::int FROM audit_entry WHERE leaf_hash <> sha256('\\x00'::bytea || leaf)) AS "wrongHashes"`,
  );
  if (log === undefined) throw new Error('the log has no head');
  const vault = await readVault(parts);
  return { targetUsers: await usersInTarget(parts), vault, leases, runs, events, log };
}
