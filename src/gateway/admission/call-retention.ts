import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../../audit/audit-inbox.js';
import { Transactions, type Tx } from '../../database/transaction.js';
import { systemCaller } from '../../kernel/caller.js';
import { Clock } from '../../kernel/clock.js';
import { Ids } from '../../kernel/ids.js';
import { Settings } from '../../settings/schema.js';

const DAY_MS = 86_400_000;

// $1 time, $2 how many. Sums of a day, step and outcome are added to those that are there already.
const FOLD = `
  WITH dropped AS (
    DELETE FROM calls WHERE ctid = ANY(ARRAY(
      SELECT ctid FROM calls WHERE state = 'ended' AND started_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))
    RETURNING (started_at AT TIME ZONE 'UTC')::date AS day, run_ref, run_id, step_id, grant_id, issuer, subject, tool,
      outcome, request_bytes, response_bytes, cost_micros, units
  ), unit_sums AS (
    SELECT day, run_ref, step_id, tool, outcome, jsonb_object_agg(unit, total) AS units FROM (
      SELECT d.day, d.run_ref, d.step_id, d.tool, d.outcome, u.key AS unit, sum(u.value::numeric) AS total
      FROM dropped d CROSS JOIN jsonb_each_text(d.units) u GROUP BY 1, 2, 3, 4, 5, 6) each
    GROUP BY 1, 2, 3, 4, 5
  ), folded AS (
    INSERT INTO call_sums AS s (day, run_ref, run_id, step_id, grant_id, issuer, subject, tool, outcome, calls,
      request_bytes, response_bytes, cost_micros, units)
    SELECT d.day, d.run_ref, min(d.run_id), d.step_id, (array_agg(d.grant_id))[1], min(d.issuer), min(d.subject), d.tool,
      d.outcome, count(*), sum(d.request_bytes), sum(d.response_bytes), sum(d.cost_micros),
      coalesce((SELECT u.units FROM unit_sums u WHERE (u.day, u.run_ref, u.step_id, u.tool, u.outcome)
        = (d.day, d.run_ref, d.step_id, d.tool, d.outcome)), '{}')
    FROM dropped d GROUP BY d.day, d.run_ref, d.step_id, d.tool, d.outcome
    ON CONFLICT (day, run_ref, step_id, tool, outcome) DO UPDATE SET
      calls = s.calls + excluded.calls,
      request_bytes = s.request_bytes + excluded.request_bytes,
      response_bytes = s.response_bytes + excluded.response_bytes,
      cost_micros = s.cost_micros + excluded.cost_micros,
      units = coalesce((SELECT jsonb_object_agg(key, total) FROM (
        SELECT key, sum(value::numeric) AS total
        FROM (SELECT * FROM jsonb_each_text(s.units) UNION ALL SELECT * FROM jsonb_each_text(excluded.units)) both_sides
        GROUP BY key) merged), '{}')
  )
  SELECT count(*)::int AS count FROM dropped`;

const DROP_ENTRIES = `
  WITH dropped AS (
    DELETE FROM limit_entries WHERE ctid = ANY(ARRAY(
      SELECT ctid FROM limit_entries WHERE keep_until < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING 1)
  SELECT count(*)::int AS count FROM dropped`;

// A count begins anew when its row is gone, so entries go first: they are numbered by it.
const DROP_STATES = `
  WITH dropped AS (
    DELETE FROM limit_states WHERE ctid = ANY(ARRAY(
      SELECT s.ctid FROM limit_states s
      WHERE s.last_at < $1::timestamptz - make_interval(secs => s.keep_seconds)
        AND s.reserved = 0 AND (s.kind <> 'concurrent' OR s.total = 0)
        AND NOT EXISTS (SELECT 1 FROM limit_entries e WHERE e.key = s.key)
      LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING 1)
  SELECT count(*)::int AS count FROM dropped`;

/** Drops what has served its time: old calls, of which sums stay, and counts that no limit looks at any more. */
@Injectable()
export class CallRetention {
  constructor(
    private readonly transactions: Transactions,
    private readonly audit: AuditInbox,
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Folds at most `limit` ended calls into sums, and records it in the same transaction; answers how many. */
  foldCalls(limit: number): Promise<number> {
    const days = this.settings.values.gateway.callRetentionDays;
    const before = new Date(this.clock.now().getTime() - days * DAY_MS);
    return this.transactions.run(async (tx) => {
      const calls = await counted(tx, FOLD, before, limit);
      if (calls > 0) {
        const caller = systemCaller('call-retention', this.ids.uuid());
        await this.audit.append(tx, 'call.rows_dropped', { caller }, { calls, before: before.toISOString() });
      }
      return calls;
    });
  }

  /** Drops at most `limit` entries and as many counts that do not matter any more; answers how many rows. */
  async dropCounts(limit: number): Promise<number> {
    const { reads } = this.transactions;
    const now = this.clock.now();
    return (await counted(reads, DROP_ENTRIES, now, limit)) + (await counted(reads, DROP_STATES, now, limit));
  }
}

async function counted(tx: Tx, statement: string, before: Date, limit: number): Promise<number> {
  const [row] = await tx.query<{ count: number }[]>(statement, [before, limit]);
  return row?.count ?? 0;
}
