import { Injectable } from '@nestjs/common';
import { Transactions } from '../database/transaction.js';
import { Clock } from '../kernel/clock.js';
import type { LeaseState } from './lease.js';

/** A state in which something of a lease may be alive in Vault. */
export type LiveLeaseState = Exclude<LeaseState, 'revoked' | 'expired'>;

/** Figures of the leases in the database; the same on every replica. */
@Injectable()
export class LeaseMetrics {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /** How many leases are in each state that is not an end. Ended ones are kept too long to be counted each time. */
  async countsByState(): Promise<Readonly<Record<LiveLeaseState, number>>> {
    const counts = { issuing: 0, active: 0, revoking: 0, orphaned: 0 };
    const rows = await this.transactions.reads.query<{ state: LiveLeaseState; count: number }[]>(
      `SELECT state, count(*)::int AS count FROM leases WHERE state NOT IN ('revoked', 'expired') GROUP BY state`,
    );
    for (const { state, count } of rows) counts[state] = count;
    return counts;
  }

  /** Seconds since the oldest revocation that is not proved yet was asked for; 0 when there is none. */
  async revocationLagSeconds(): Promise<number> {
    const [row] = await this.transactions.reads.query<{ oldest: Date | null }[]>(
      `SELECT min(revoke_requested_at) AS oldest FROM leases WHERE state IN ('revoking', 'orphaned')`,
    );
    const oldest = row?.oldest ?? this.clock.now();
    return Math.max(0, (this.clock.now().getTime() - oldest.getTime()) / 1000);
  }
}
