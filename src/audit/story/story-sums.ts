import type { Tx } from '../../database/transaction.js';
import { ENTRY_COLUMNS, reachClause, type AuditReach } from '../audit-reach.js';

/** Entries of a run that are counted. */
const MOST_COUNTED = 100_000;
const MOST_ALERTS = 100;

/** What a run came to. */
export interface StorySums {
  /** Entries by kind. */
  readonly kinds: Readonly<Record<string, number>>;
  readonly refused: number;
  /** False where counting ended early. */
  readonly exact: boolean;
  /** What its calls cost, in millionths of the currency. */
  readonly costMicros: number;
}

/** An alert that names the run, or shows one of its events. */
export interface StoryAlert {
  readonly id: string;
  readonly rule: string;
  readonly severity: string;
  readonly summary: string;
  readonly state: string;
  readonly openedAt: Date;
  readonly resolvedAt: Date | null;
}

interface CountRow {
  readonly kind: string;
  readonly refused: boolean;
  readonly count: string;
}

interface AlertRow {
  readonly id: string;
  readonly rule: string;
  readonly severity: string;
  readonly summary: string;
  readonly state: string;
  readonly opened_at: Date;
  readonly resolved_at: Date | null;
}

/** What a run came to, as far as the reader may see, and the alerts about it for who may see everything. */
export async function storySums(
  tx: Tx,
  run: { readonly run_ref: string; readonly run_id: string | null; readonly opened_idx: string | null },
  reach: AuditReach,
): Promise<{ sums: StorySums; alerts: readonly StoryAlert[] }> {
  const parameters: unknown[] = [run.run_ref];
  const allowed = reachClause(reach, ENTRY_COLUMNS, (value) => `$${parameters.push(value)}`);
  const counted = await tx.query<CountRow[]>(
    `SELECT kind, outcome = 'refused' AS refused, count(*) AS count FROM (
       SELECT kind, outcome FROM audit_entry WHERE run_ref = $1::uuid AND ${allowed} LIMIT ${MOST_COUNTED}) found
     GROUP BY 1, 2 ORDER BY 1, 2`,
    parameters,
  );
  const [cost] = await tx.query<{ micros: string }[]>(
    'SELECT coalesce(sum(cost_micros), 0) AS micros FROM call_costs WHERE run_ref = $1::uuid',
    [run.run_ref],
  );
  const kinds: Record<string, number> = {};
  for (const { kind, count } of counted) kinds[kind] = (kinds[kind] ?? 0) + Number(count);
  const sum = (rows: readonly CountRow[]): number =>
    rows.reduce((total, { count }) => total + Number(count), 0);
  return {
    sums: {
      kinds,
      refused: sum(counted.filter(({ refused }) => refused)),
      exact: sum(counted) < MOST_COUNTED,
      costMicros: Number(cost?.micros ?? 0),
    },
    // An alert gathers what belongs to many grants.
    alerts:
      reach === 'everything' && run.run_id !== null ? await alertsOf(tx, run.run_id, run.opened_idx) : [],
  };
}

async function alertsOf(tx: Tx, runId: string, since: string | null): Promise<StoryAlert[]> {
  const rows = await tx.query<AlertRow[]>(
    `SELECT id, rule, severity, summary, state, opened_at, resolved_at FROM alerts
     WHERE last_index >= $1::bigint AND (labels @> $2::jsonb OR samples @> $3::jsonb)
     ORDER BY opened_at, id LIMIT ${MOST_ALERTS}`,
    [since ?? 0, JSON.stringify({ 'run.run_id': runId }), JSON.stringify([{ run_id: runId }])],
  );
  return rows.map(({ opened_at: openedAt, resolved_at: resolvedAt, ...alert }) => ({
    ...alert,
    openedAt,
    resolvedAt,
  }));
}
