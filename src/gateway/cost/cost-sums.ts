import { Injectable } from '@nestjs/common';
import { decodeCursor, pageOf, type Page } from '../../database/page.js';
import { Transactions } from '../../database/transaction.js';
import { BrokerError } from '../../kernel/broker-error.js';
import { isUuid } from '../../kernel/ids.js';
import type { CostFilter, CostGrouping, CostSum } from './cost-sum.js';
import type { DayRange } from './utc-day.js';

/** For each grouping: the text that tells its groups apart. */
const KEYS: Readonly<Record<CostGrouping, string>> = {
  run: 'c.run_ref::text',
  step: `c.run_ref::text || '/' || c.step_id`,
  grant: 'c.grant_id::text',
  tool: 'c.tool',
  workload: `c.issuer || '#' || c.subject`,
  day: 'c.day::text',
};

interface SumRow {
  readonly key: string;
  readonly day: string;
  readonly run_ref: string;
  readonly run_id: string;
  readonly step_id: string;
  readonly grant_id: string;
  readonly grant_name: string | null;
  readonly tool: string;
  readonly issuer: string;
  readonly subject: string;
  readonly calls: string;
  readonly unknown_calls: string;
  readonly cost_micros: string;
  readonly request_bytes: string;
  readonly response_bytes: string;
  readonly units: Readonly<Record<string, number>>;
}

/** Sums what calls cost, of calls that have ended, also those whose own rows are gone. */
@Injectable()
export class CostSums {
  constructor(private readonly transactions: Transactions) {}

  /** One sum for each group that had a call in these days, in order of the groups' keys. */
  async list(
    by: CostGrouping,
    days: DayRange,
    filter: CostFilter,
    page: { readonly limit: number; readonly cursor?: string | undefined },
  ): Promise<Page<CostSum>> {
    const values: unknown[] = [days.from, days.to];
    const conditions = conditionsOf(filter, values);
    if (page.cursor !== undefined) {
      values.push(decodeCursor(page.cursor, 1)[0]);
      conditions.push(`(${KEYS[by]}) COLLATE "C" > $${values.length}::text`);
    }
    values.push(page.limit + 1);
    const rows = await this.transactions.reads.query<SumRow[]>(
      statement(by, conditions, `LIMIT $${values.length}`),
      values,
    );
    return pageOf(
      rows.map((row) => sumOf(row, by)),
      page.limit,
      (sum) => [sum.key],
    );
  }
}

// Groups first and units after, of those groups alone: units are taken apart row by row.
function statement(by: CostGrouping, conditions: readonly string[], limit: string): string {
  const key = `(${KEYS[by]}) COLLATE "C"`;
  return `
    WITH chosen AS (
      SELECT ${key} AS key, c.* FROM call_costs_between($1::date, $2::date) c
      WHERE ${['true', ...conditions].join(' AND ')}
    ), sums AS (
      SELECT key, min(day)::text AS day, min(run_ref::text) AS run_ref, min(run_id) AS run_id, min(step_id) AS step_id,
        min(grant_id::text) AS grant_id, min(tool) AS tool, min(issuer) AS issuer, min(subject) AS subject,
        sum(calls) AS calls, COALESCE(sum(calls) FILTER (WHERE outcome = 'unknown'), 0) AS unknown_calls,
        sum(cost_micros) AS cost_micros, sum(request_bytes) AS request_bytes, sum(response_bytes) AS response_bytes
      FROM chosen GROUP BY key ORDER BY key ${limit}
    ), units AS (
      SELECT key, jsonb_object_agg(name, amount) AS units FROM (
        SELECT key, u.name, sum(u.amount::numeric) AS amount
        FROM chosen JOIN sums USING (key), jsonb_each_text(chosen.units) AS u (name, amount)
        WHERE chosen.units <> '{}' GROUP BY key, u.name) summed GROUP BY key
    )
    SELECT s.*, g.name AS grant_name, COALESCE(u.units, '{}') AS units
    FROM sums s LEFT JOIN units u USING (key) LEFT JOIN grants g ON g.id = s.grant_id::uuid
    ORDER BY s.key`;
}

function conditionsOf({ run, grant, tool, subject }: CostFilter, values: unknown[]): string[] {
  const conditions: string[] = [];
  const where = (condition: string, value: unknown): void => {
    values.push(value);
    conditions.push(condition.replace('?', `$${values.length}`));
  };
  if (run !== undefined) where(isUuid(run) ? 'c.run_ref = ?::uuid' : 'c.run_id = ?', run);
  if (grant !== undefined)
    where(
      isUuid(grant) ? 'c.grant_id = ?::uuid' : 'c.grant_id = (SELECT id FROM grants WHERE name = ?)',
      grant,
    );
  if (tool !== undefined) where('c.tool = ?', tool);
  if (subject !== undefined) where('c.subject = ?', subject);
  return conditions;
}

function sumOf(row: SumRow, by: CostGrouping): CostSum {
  return {
    key: row.key,
    ...groupOf(row, by),
    calls: whole(row.calls),
    unknownCalls: whole(row.unknown_calls),
    costMicros: whole(row.cost_micros),
    requestBytes: whole(row.request_bytes),
    responseBytes: whole(row.response_bytes),
    units: row.units,
  };
}

function groupOf(row: SumRow, by: CostGrouping): Partial<CostSum> {
  const run = { ref: row.run_ref, runId: row.run_id };
  switch (by) {
    case 'run':
      return { run };
    case 'step':
      return { run, stepId: row.step_id };
    case 'grant':
      return { grant: { id: row.grant_id, name: row.grant_name } };
    case 'tool':
      return { tool: row.tool };
    case 'workload':
      return { workload: { issuer: row.issuer, subject: row.subject } };
    case 'day':
      return { day: row.day };
  }
}

/** A sum as the driver gives it. Beyond what a number holds exactly it would be a wrong number, so it is none. */
export function whole(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw new BrokerError('internal_error', { internal: 'a sum of costs is too large' });
}
