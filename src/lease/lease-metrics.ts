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
  /** Ends that are due and not proved; those beyond {@link COUNTED} are not counted. */
  readonly waiting: number;
}

/** A target that is down for a day has any number of ends waiting, and they are looked at every few seconds. */
export const COUNTED = 1_000;

// From mount to mount by the index, so that it costs the same however much waits at each of them. Expiries that nobody has
// seen to are few, or everything stands still: then the oldest of them say how late that is.
const LAGS = `
  WITH RECURSIVE mounts AS (
    (SELECT l.mount FROM leases l WHERE l.state IN ('revoking', 'orphaned') ORDER BY l.mount LIMIT 1)
    UNION ALL
    SELECT (SELECT l.mount FROM leases l WHERE l.state IN ('revoking', 'orphaned') AND l.mount > m.mount
            ORDER BY l.mount LIMIT 1)
    FROM mounts m WHERE m.mount IS NOT NULL
  ), late AS (
    SELECT m.mount,
      (SELECT l.revoke_requested_at FROM leases l WHERE l.state IN ('revoking', 'orphaned') AND l.mount = m.mount
       ORDER BY l.revoke_requested_at LIMIT 1) AS due,
      -- In the order of the index: otherwise all of them would be looked up in it before the first is counted.
      (SELECT count(*) FROM (SELECT FROM leases l WHERE l.state IN ('revoking', 'orphaned') AND l.mount = m.mount
       ORDER BY l.revoke_requested_at LIMIT ${COUNTED}) waiting) AS waiting
    FROM mounts m WHERE m.mount IS NOT NULL
    UNION ALL
    SELECT o.mount, min(o.expires_at), count(*) FROM (
      SELECT l.mount, l.expires_at FROM leases l WHERE l.state = 'active' AND l.expires_at <= $1
      ORDER BY l.expires_at LIMIT ${COUNTED}) o
    GROUP BY o.mount
  )
  SELECT mount, min(due) AS oldest, least(sum(waiting), ${COUNTED})::int AS waiting FROM late GROUP BY mount
  HAVING min(due) IS NOT NULL`;

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
   * revocation since it was asked for, whatever its next attempt. Mounts at which nothing is due are not there. Of
   * expiries that nobody has seen to yet, the {@link COUNTED} oldest are looked at.
   */
  async revocationLags(): Promise<readonly MountLag[]> {
    const now = this.clock.now();
    const rows = await this.transactions.reads.query<{ mount: string; oldest: Date; waiting: number }[]>(
      LAGS,
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
