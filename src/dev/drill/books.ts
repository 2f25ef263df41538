import pg from 'pg';
import type { DrillLease } from './broker-calls.js';
import type { DrillParts } from './drill-parts.js';

const REFUSED = new Set(['28P01', '28000']);

/** Whether the target lets somebody in with this credential. Throws on anything that is neither a yes nor a refusal. */
export async function logsIn(parts: DrillParts, lease: DrillLease): Promise<boolean> {
  const client = new pg.Client({ connectionString: parts.target.urlFor(lease) });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return true;
  } catch (error) {
    if (error instanceof pg.DatabaseError && REFUSED.has(error.code ?? '')) return false;
    throw error;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/**
 * Compares three books: rows that have not ended, leases of Vault, users at the target. Answers what they agree on;
 * throws with what they say where they do not.
 */
export async function compareBooks(parts: DrillParts): Promise<string> {
  const rows = await parts.rows<{ vault_lease_id: string; account: string }>(
    `SELECT vault_lease_id, account FROM leases WHERE state NOT IN ('revoked', 'expired') ORDER BY account`,
  );
  const { keys = [] } = await parts.vault.operator
    .call('LIST', `sys/leases/lookup/${parts.leasePrefix}`)
    .catch(() => ({ keys: [] }));
  const inVault = (keys as readonly string[]).map((key) => `${parts.leasePrefix}/${key}`).sort();
  const users = await parts.atTarget<{ rolname: string }>(
    `SELECT rolname FROM pg_roles WHERE rolname LIKE 'v-%' ORDER BY rolname`,
  );
  const books = {
    rows: rows.map(({ account }) => account).sort(),
    users: users.map(({ rolname }) => rolname).sort(),
    leases: rows.map(({ vault_lease_id: id }) => id).sort(),
    vault: inVault,
  };
  const agree = String(books.rows) === String(books.users) && String(books.leases) === String(books.vault);
  const told = `${rows.length} live rows, ${inVault.length} leases in Vault, ${users.length} users at the target`;
  if (!agree) throw new Error(`the books disagree: ${told}`);
  return told;
}
