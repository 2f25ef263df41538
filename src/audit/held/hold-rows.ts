import type { Tx } from '../../database/transaction.js';
import type { HoldChanges, RowChange } from './hold-changes.js';

const LEASE_TYPES: Readonly<Record<string, string>> = {
  lease_id: 'uuid',
  credential: 'text',
  kind: 'text',
  mount: 'text',
  delivery: 'text',
  accessor_hmac: 'text',
  account_hmac: 'text',
  run_ref: 'uuid',
  run_id: 'text',
  step_id: 'text',
  grant_id: 'uuid',
  grant_name: 'text',
  grant_version: 'integer',
  workload_issuer: 'text',
  workload_subject: 'text',
  held_from: 'timestamptz',
  issued_at: 'timestamptz',
  expires_at: 'timestamptz',
  ended_at: 'timestamptz',
  end_state: 'text',
  end_cause: 'text',
  proof: 'text',
  secret_lives_on: 'boolean',
  first_idx: 'bigint',
  issued_idx: 'bigint',
  ended_idx: 'bigint',
};

const RUN_TYPES: Readonly<Record<string, string>> = {
  run_ref: 'uuid',
  run_id: 'text',
  workload_issuer: 'text',
  workload_subject: 'text',
  grant_id: 'uuid',
  grant_name: 'text',
  grant_version: 'integer',
  claims: 'text',
  opened_at: 'timestamptz',
  opened_idx: 'bigint',
  ended_at: 'timestamptz',
  ended_kind: 'text',
  ended_by: 'text',
  ended_idx: 'bigint',
};

const DECISION_TYPES: Readonly<Record<string, string>> = {
  idx: 'bigint',
  grant_id: 'uuid',
  version: 'integer',
  kind: 'text',
  at: 'timestamptz',
  by_issuer: 'text',
  by_subject: 'text',
};

/** What a later event does not change: when it was first heard of. */
const FIRST: ReadonlySet<string> = new Set(['held_from', 'first_idx']);

const LEASES = upsert('lease_holds', 'lease_id', LEASE_TYPES);
const RUNS = upsert('run_holders', 'run_ref', RUN_TYPES);
const DECISIONS = upsert('grant_decisions', 'idx', DECISION_TYPES);

/** Writes what a stretch of the log says, in one statement a table. Once more changes nothing. */
export async function keepHolds(tx: Tx, changes: HoldChanges): Promise<void> {
  await keep(tx, LEASES, LEASE_TYPES, changes.leases);
  await keep(tx, RUNS, RUN_TYPES, changes.runs);
  await keep(tx, DECISIONS, DECISION_TYPES, changes.decisions);
}

async function keep(
  tx: Tx,
  statement: string,
  types: Readonly<Record<string, string>>,
  rows: readonly RowChange[],
): Promise<void> {
  if (rows.length === 0) return;
  await tx.query(
    statement,
    Object.keys(types).map((column) =>
      rows.map((row) => row[column] ?? (types[column] === 'boolean' ? false : null)),
    ),
  );
}

function upsert(table: string, key: string, types: Readonly<Record<string, string>>): string {
  const columns = Object.keys(types);
  const values = columns.map((column, at) => `$${at + 1}::${types[column] ?? 'text'}[]`);
  const changed = columns
    .filter((column) => column !== key && !FIRST.has(column))
    .map((column) =>
      types[column] === 'boolean'
        ? `${column} = h.${column} OR EXCLUDED.${column}`
        : `${column} = COALESCE(EXCLUDED.${column}, h.${column})`,
    );
  return `INSERT INTO ${table} AS h (${columns.join(', ')}) SELECT * FROM unnest(${values.join(', ')})
    ON CONFLICT (${key}) DO UPDATE SET ${changed.join(', ')}`;
}
