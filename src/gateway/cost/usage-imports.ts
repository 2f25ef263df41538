import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../../audit/audit-inbox.js';
import { Transactions, type Tx } from '../../database/transaction.js';
import { actorName, type Caller } from '../../kernel/caller.js';
import { Clock } from '../../kernel/clock.js';
import { Settings } from '../../settings/schema.js';
import { whole } from './cost-sums.js';
import type { UsageRow } from './provider-usage.js';
import { isWithin } from './tolerance.js';
import { utcDay } from './utc-day.js';

/** What became of an import. */
export interface UsageImport {
  readonly rows: number;
  /** Rows that are new, or that say something else than before. */
  readonly changed: number;
  /** Days and keys among those whose sums are further from ours than the tolerance. */
  readonly differences: number;
}

// Only what says something new is written and looked at: an import that is repeated finds nothing twice.
const UPSERT = `
  WITH given AS (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS g (source text, day date, key text, units jsonb, amount_micros bigint)
  ), written AS (
    INSERT INTO provider_usage AS p (source, day, key, units, amount_micros, imported_at, imported_by)
    SELECT source, day, key, units, amount_micros, $2, $3 FROM given ORDER BY day, source, key
    ON CONFLICT (day, source, key) DO UPDATE SET units = excluded.units, amount_micros = excluded.amount_micros,
      imported_at = excluded.imported_at, imported_by = excluded.imported_by
    WHERE (p.units, p.amount_micros) IS DISTINCT FROM (excluded.units, excluded.amount_micros)
    RETURNING source, day, key, amount_micros
  )
  SELECT w.source, w.day::text AS day, w.key, w.amount_micros AS theirs, COALESCE(o.cost_micros, 0) AS ours
  FROM written w LEFT JOIN key_costs_between($4::date, $5::date) o ON o.day = w.day AND o.key = w.key
  ORDER BY w.day, w.source, w.key`;

interface ChangedRow {
  readonly source: string;
  readonly day: string;
  readonly key: string;
  readonly theirs: string;
  readonly ours: string;
}

/** Takes in what providers say that their keys came to, and finds where that is not what we sent. */
@Injectable()
export class UsageImports {
  constructor(
    private readonly transactions: Transactions,
    private readonly audit: AuditInbox,
    private readonly settings: Settings,
    private readonly clock: Clock,
  ) {}

  /**
   * Writes all rows or none, with an event, and one for each difference. A day that is not over is compared by a later
   * import: what is still going on differs from anything.
   */
  async import(caller: Caller, rows: readonly UsageRow[]): Promise<UsageImport> {
    const days = rows.map(({ day }) => day).sort();
    const [first = '', last = ''] = [days[0], days.at(-1)];
    return this.transactions.run(async (tx) => {
      const changed = await tx.query<ChangedRow[]>(UPSERT, [
        JSON.stringify(rows),
        this.clock.now(),
        actorName(caller.actor),
        first,
        utcDay(new Date(last), 1),
      ]);
      await this.audit.append(
        tx,
        'cost.usage_imported',
        { caller },
        {
          sources: [...new Set(rows.map(({ source }) => source))].sort(),
          rows: rows.length,
          changed: changed.length,
          first_day: first,
          last_day: last,
        },
      );
      return {
        rows: rows.length,
        changed: changed.length,
        differences: await this.find(tx, caller, changed),
      };
    });
  }

  private async find(tx: Tx, caller: Caller, changed: readonly ChangedRow[]): Promise<number> {
    const { costTolerancePercent } = this.settings.values.gateway;
    const today = utcDay(this.clock.now());
    let differences = 0;
    for (const { day, key, source, ...sums } of changed) {
      const [ours, theirs] = [whole(sums.ours), whole(sums.theirs)];
      if (day >= today || isWithin(costTolerancePercent, ours, theirs)) continue;
      differences += 1;
      await this.audit.append(
        tx,
        'cost.difference_found',
        { caller, outcome: 'failure' },
        {
          day,
          key,
          source,
          ours_micros: ours,
          theirs_micros: theirs,
          difference_micros: theirs - ours,
        },
      );
    }
    return differences;
  }
}
