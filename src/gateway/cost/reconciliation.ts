import { Injectable } from '@nestjs/common';
import { decodeCursor, pageOf, type Page } from '../../database/page.js';
import { Transactions } from '../../database/transaction.js';
import { Settings } from '../../settings/schema.js';
import { whole } from './cost-sums.js';
import { isWithin } from './tolerance.js';
import type { DayRange } from './utc-day.js';

/** How our sum and the provider's compare. `unreported`: the provider has said nothing of this day and key. */
export const RECONCILIATION_STATES = ['match', 'difference', 'unreported'] as const;

/** One day and one key of a provider. */
export interface Reconciled {
  readonly day: string;
  readonly key: string;
  readonly source: string | null;
  readonly calls: number;
  readonly oursMicros: number;
  readonly theirsMicros: number | null;
  /** Theirs without ours. */
  readonly differenceMicros: number | null;
  readonly state: (typeof RECONCILIATION_STATES)[number];
}

interface ReconciledRow {
  readonly day: string;
  readonly key: string;
  readonly source: string | null;
  readonly calls: string;
  readonly ours: string;
  readonly theirs: string | null;
}

const COMPARED = `
  SELECT COALESCE(o.day, p.day)::text AS day, COALESCE(o.key, p.key) COLLATE "C" AS key, p.source,
    COALESCE(o.calls, 0) AS calls, COALESCE(o.cost_micros, 0) AS ours, p.amount_micros AS theirs
  FROM key_costs_between($1::date, $2::date) o
  FULL JOIN (SELECT * FROM provider_usage WHERE day >= $1::date AND day < $2::date) p ON p.day = o.day AND p.key = o.key`;

/** Compares what we sent with what providers say, day by day and key by key. */
@Injectable()
export class CostReconciliation {
  constructor(
    private readonly transactions: Transactions,
    private readonly settings: Settings,
  ) {}

  /** Every day and key that we or a provider know something of, by day, key and source. */
  async list(
    days: DayRange,
    page: { readonly limit: number; readonly cursor?: string | undefined },
  ): Promise<Page<Reconciled>> {
    const after = page.cursor === undefined ? [null, null, null] : decodeCursor(page.cursor, 3);
    const rows = await this.transactions.reads.query<ReconciledRow[]>(
      `SELECT * FROM (${COMPARED}) c
       WHERE $3::text IS NULL OR (c.day, c.key, COALESCE(c.source, '')) > ($3::text, $4::text COLLATE "C", $5::text)
       ORDER BY c.day, c.key, COALESCE(c.source, '') LIMIT $6`,
      [days.from, days.to, ...after, page.limit + 1],
    );
    return pageOf(
      rows.map((row) => this.reconciled(row)),
      page.limit,
      ({ day, key, source }) => [day, key, source ?? ''],
    );
  }

  private reconciled({ day, key, source, ...sums }: ReconciledRow): Reconciled {
    const oursMicros = whole(sums.ours);
    const known = { day, key, source, calls: whole(sums.calls), oursMicros };
    if (sums.theirs === null)
      return { ...known, theirsMicros: null, differenceMicros: null, state: 'unreported' };
    const theirsMicros = whole(sums.theirs);
    const { costTolerancePercent } = this.settings.values.gateway;
    return {
      ...known,
      theirsMicros,
      differenceMicros: theirsMicros - oursMicros,
      state: isWithin(costTolerancePercent, oursMicros, theirsMicros) ? 'match' : 'difference',
    };
  }
}
