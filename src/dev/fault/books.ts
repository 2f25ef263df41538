import pg from 'pg';
import type { FaultParts } from './fault-parts.js';
import { rootOf } from './tree-root.js';
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
    /** Whether the root of the head is that of the tree over all leaves. */
    readonly rootFits: boolean;
    /** Entries whose event is in the log already. */
    readonly repeated: number;
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
  const log = await readLog(url);
  const vault = await readVault(parts);
  return { targetUsers: await usersInTarget(parts), vault, leases, runs, events, log };
}

async function readLog(url: string): Promise<Books['log']> {
  const [head] = await select<{ size: number; root: Buffer; waiting: number; repeated: number }>(
    url,
    `SELECT h.size::int, h.root_hash AS root, (SELECT count(*)::int FROM audit_inbox) AS waiting,
       (SELECT (count(*) - count(DISTINCT event_id))::int FROM audit_entry) AS repeated FROM audit_head h`,
  );
  if (head === undefined) throw new Error('the log has no head');
  const leaves = await select<{ leaf: Buffer }>(url, 'SELECT leaf FROM audit_entry ORDER BY idx');
  const root = rootOf(leaves.map(({ leaf }) => leaf));
  const { size, waiting, repeated } = head;
  return { size, waiting, repeated, rootFits: root.equals(head.root) };
}
