import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../../audit/audit-inbox.js';
import { Transactions } from '../../database/transaction.js';
import { systemCaller } from '../../kernel/caller.js';
import { Clock } from '../../kernel/clock.js';
import { Ids } from '../../kernel/ids.js';

const DAY_MS = 86_400_000;
const LOOKED_AT_DAYS = 40;
/** What may be rounding: a hundredth of the currency, and one in a hundred. */
const ROUNDING_MICROS = 10_000;
const ROUNDING_SHARE = 0.01;

interface BeyondRow {
  day: string;
  source: string;
  key: string;
  theirs: string;
  ours: string;
}

/** Compares what providers say that a key came to with what we sent; more of theirs is somebody else's use of the key. */
@Injectable()
export class ProviderUsageWatch {
  constructor(
    private readonly transactions: Transactions,
    private readonly audit: AuditInbox,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /**
   * Looks at the whole days before today (of UTC: a call of today may not have ended), and records each day and key
   * whose numbers have not been recorded as they are now. Answers how many.
   */
  async look(): Promise<number> {
    const now = this.clock.now();
    const today = dayOf(now);
    const from = dayOf(new Date(now.getTime() - LOOKED_AT_DAYS * DAY_MS));
    const rows = await this.transactions.reads.query<BeyondRow[]>(
      `SELECT p.day::text AS day, p.source, p.key, p.amount_micros AS theirs, coalesce(o.cost_micros, 0) AS ours
       FROM provider_usage p
       LEFT JOIN key_costs_between($1::date, $2::date) o ON o.day = p.day AND o.key = p.key
       LEFT JOIN shadow_provider_usage s ON s.day = p.day AND s.source = p.source AND s.key = p.key
       WHERE p.day >= $1::date AND p.day < $2::date
         AND p.amount_micros > coalesce(o.cost_micros, 0) + greatest($3::numeric, p.amount_micros * $4::numeric)
         AND (s.theirs_micros, s.ours_micros) IS DISTINCT FROM (p.amount_micros, coalesce(o.cost_micros, 0))
       ORDER BY 1, 2, 3`,
      [from, today, ROUNDING_MICROS, ROUNDING_SHARE],
    );
    for (const row of rows) await this.record(row, now);
    return rows.length;
  }

  private async record({ day, source, key, ...amounts }: BeyondRow, now: Date): Promise<void> {
    const theirs = Number(amounts.theirs);
    const ours = Number(amounts.ours);
    await this.transactions.run(async (tx) => {
      const [written] = await tx.query<unknown[]>(
        `INSERT INTO shadow_provider_usage AS s (day, source, key, theirs_micros, ours_micros, found_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (day, source, key) DO UPDATE SET theirs_micros = excluded.theirs_micros,
           ours_micros = excluded.ours_micros, found_at = excluded.found_at
         WHERE (s.theirs_micros, s.ours_micros) <> (excluded.theirs_micros, excluded.ours_micros)
         RETURNING 1`,
        [day, source, key, theirs, ours, now],
      );
      // Another replica has just recorded the same.
      if (written === undefined) return;
      await this.audit.append(
        tx,
        'shadow.provider_usage',
        { caller: systemCaller('shadow-usage', this.ids.uuid()), outcome: 'failure' },
        { day, key, source, theirs_micros: theirs, ours_micros: ours, beyond_micros: theirs - ours },
      );
    });
  }
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}
