import { Injectable } from '@nestjs/common';
import { Transactions } from '../../database/transaction.js';
import { Clock } from '../../kernel/clock.js';
import { oldestPlausible } from './log-age.js';

/** Drops what was found so long ago that no log would be read for it any more; its events stay. */
@Injectable()
export class ShadowRetention {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /** Drops at most `limit` of each; answers how many in all. */
  async drop(limit: number): Promise<number> {
    const before = oldestPlausible(this.clock.now());
    let dropped = 0;
    for (const [table, column] of [
      ['shadow_batches', 'received_at'],
      ['shadow_egress', 'last_at'],
      ['shadow_provider_usage', 'found_at'],
    ]) {
      const [, rows] = await this.transactions.reads.query<[unknown[], number]>(
        `DELETE FROM ${table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM ${table} WHERE ${column} < $1 LIMIT $2))`,
        [before, limit],
      );
      dropped += rows;
    }
    return dropped;
  }
}
