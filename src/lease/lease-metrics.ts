import { Injectable } from '@nestjs/common';
import { Transactions } from '../database/transaction.js';
import { Clock } from '../kernel/clock.js';
import type { EndedLeaseState, LeaseState } from './lease.js';
import { NOT_ENDED } from './lease-row.js';
import { MountLanes } from './mount-lanes.js';

/** A state in which something of a lease may be alive in Vault. */
export type LiveLeaseState = Exclude<LeaseState, EndedLeaseState>;

/** How late the ends of a mount are. */
export interface MountLag {
  readonly mount: string;
  readonly lagSeconds: number;
  /** Ends that are due and not proved. */
  readonly waiting: number;
}

/** Figures of the leases in the database; the same on every replica. */
@Injectable()
export class LeaseMetrics {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly lanes: MountLanes,
  ) {}

  /** How many leases are in each state that is not an end. Ended ones are kept too long to be counted each time. */
  async countsByState(): Promise<Readonly<Record<LiveLeaseState, number>>> {
    const counts = { issuing: 0, active: 0, revoking: 0, orphaned: 0 };
    const rows = await this.transactions.reads.query<{ state: LiveLeaseState; count: number }[]>(
      `SELECT state, count(*)::int AS count FROM leases WHERE ${NOT_ENDED} GROUP BY state`,
    );
    for (const { state, count } of rows) counts[state] = count;
    return counts;
  }

  /**
   * By mount, how late the oldest end is that is due and not proved: an expiry that nobody has seen to yet, or a
   * revocation since it was asked for, whatever its next attempt. Mounts at which nothing is due are not there.
   */
  async revocationLags(): Promise<readonly MountLag[]> {
    const now = this.clock.now();
    const rows = await this.transactions.reads.query<{ mount: string; oldest: Date; waiting: number }[]>(
      `SELECT mount, min(due) AS oldest, sum(waiting)::int AS waiting FROM (
         SELECT mount, min(revoke_requested_at) AS due, count(*) AS waiting FROM leases
         WHERE state IN ('revoking', 'orphaned') GROUP BY mount
         UNION ALL
         SELECT mount, min(expires_at), count(*) FROM leases
         WHERE state = 'active' AND expires_at <= $1 GROUP BY mount
       ) AS late GROUP BY mount`,
      [now],
    );
    return rows.map(({ mount, oldest, waiting }) => ({
      mount,
      waiting,
      lagSeconds: Math.max(0, (now.getTime() - oldest.getTime()) / 1000),
    }));
  }

  /** By mount, how many revocations are stuck. Mounts without any are not there. */
  async stuckByMount(): Promise<readonly { readonly mount: string; readonly count: number }[]> {
    return this.transactions.reads.query<{ mount: string; count: number }[]>(
      `SELECT mount, count(*)::int AS count FROM leases
       WHERE stuck_since IS NOT NULL AND state IN ('revoking', 'orphaned') GROUP BY mount`,
    );
  }

  /** Mounts that this replica leaves alone for the moment, because their revocations failed in a row. */
  mountsLeftAlone(): readonly string[] {
    return this.lanes
      .all()
      .filter(({ breaker }) => breaker.open)
      .map(({ mount }) => mount);
  }
}
