import { Injectable } from '@nestjs/common';
import { Transactions } from '../database/transaction.js';
import { systemCaller } from '../kernel/caller.js';
import { Clock } from '../kernel/clock.js';
import { crashPoint } from '../kernel/crash-point.js';
import { Ids } from '../kernel/ids.js';
import { NOT_HELD } from './hold.js';
import { RevocationRequests } from './revocation-requests.js';

/** What a look for leases whose time is up did. */
export interface Expired {
  readonly marked: number;
  /** When to look for the next one, not positive where that may be now; undefined while nothing lives, or is held. */
  readonly nextDueInMs: number | undefined;
}

/** Ends leases whose time is up. Vault ends them by itself too; this is what proves it and tells. */
@Injectable()
export class LeaseExpiry {
  constructor(
    private readonly transactions: Transactions,
    private readonly requests: RevocationRequests,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Marks at most `limit` leases that are past their expiry for revocation; none while revocation is held. */
  async expireDue(limit: number): Promise<Expired> {
    const nextDueInMs = await this.nextDueInMs();
    if (nextDueInMs === undefined || nextDueInMs > 0) return { marked: 0, nextDueInMs };
    const caller = systemCaller('expire-leases', this.ids.uuid());
    const marked = await this.transactions.run(async (tx) => {
      const due = await this.requests.requestExpired(tx, limit, caller);
      if (due.length > 0) crashPoint('lease.expire.before-commit');
      return due;
    });
    if (marked.length > 0) crashPoint('lease.expire.marked');
    return { marked: marked.length, nextDueInMs: 0 };
  }

  /** As a rule nothing is due, and asking so costs less than a transaction that finds nothing. */
  private async nextDueInMs(): Promise<number | undefined> {
    const [row] = await this.transactions.reads.query<{ expires_at: Date }[]>(
      `SELECT l.expires_at FROM leases l WHERE l.state = 'active' AND l.expires_at IS NOT NULL AND ${NOT_HELD}
       ORDER BY l.expires_at LIMIT 1`,
    );
    return row && row.expires_at.getTime() - this.clock.now().getTime();
  }
}
