import { Injectable } from '@nestjs/common';
import { Transactions } from '../database/transaction.js';
import { Clock } from '../kernel/clock.js';
import { Settings } from '../settings/schema.js';

const DAY_MS = 86_400_000;

/** Drops alerts that ended long ago, with what was told of them, and tests; their events stay in the log. */
@Injectable()
export class AlertRetention {
  constructor(
    private readonly settings: Settings,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /** Drops at most `limit` of each; answers how many in all. */
  async drop(limit: number): Promise<number> {
    const { retentionDays } = this.settings.values.alerts;
    const before = new Date(this.clock.now().getTime() - retentionDays * DAY_MS);
    const { reads } = this.transactions;
    const [, alerts] = await reads.query<[unknown[], number]>(
      `DELETE FROM alerts WHERE id = ANY(ARRAY(
         SELECT id FROM alerts WHERE state = 'resolved' AND resolved_at < $1 LIMIT $2))`,
      [before, limit],
    );
    const [, tests] = await reads.query<[unknown[], number]>(
      `DELETE FROM alert_notifications WHERE id = ANY(ARRAY(
         SELECT id FROM alert_notifications WHERE kind = 'test' AND state <> 'waiting' AND created_at < $1 LIMIT $2))`,
      [before, limit],
    );
    return alerts + tests;
  }
}
