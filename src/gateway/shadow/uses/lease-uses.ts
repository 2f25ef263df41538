import { Injectable } from '@nestjs/common';
import { Transactions, type Tx } from '../../../database/transaction.js';
import type { Use, UseGroup } from './lease-use.js';

/** A group of uses as it is kept. */
export interface KeptUse {
  readonly use: Use;
  readonly place: string;
  readonly operation: string;
  readonly source: string | null;
  readonly count: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
  readonly via: string;
}

interface UseRow {
  what: Use;
  place: string;
  operation: string;
  source: string;
  count: string;
  first_at: Date;
  last_at: Date;
  via: string;
}

const MOST_LISTED = 500;

/** What is known of the use of leases from others than the broker. */
@Injectable()
export class LeaseUses {
  constructor(private readonly transactions: Transactions) {}

  /** Adds what a batch said. Leases that are dropped by now are passed over. */
  async add(tx: Tx, via: string, groups: readonly UseGroup[]): Promise<void> {
    for (const group of groups) {
      const rest = group.use === 'handed_out' ? await handOut(tx, via, group) : group;
      if (rest !== undefined) await upsert(tx, via, rest);
    }
  }

  /** The uses of a lease, oldest first; at most 500. */
  async ofLease(leaseId: string): Promise<readonly KeptUse[]> {
    const rows = await this.transactions.reads.query<UseRow[]>(
      `SELECT what, place, operation, source, count, first_at, last_at, via FROM lease_uses
       WHERE lease_id = $1 ORDER BY first_at, what, place LIMIT $2`,
      [leaseId, MOST_LISTED],
    );
    return rows.map((row) => ({
      use: row.what,
      place: row.place,
      operation: row.operation,
      source: row.source === '' ? null : row.source,
      count: Number(row.count),
      firstAt: row.first_at,
      lastAt: row.last_at,
      via: row.via,
    }));
  }
}

/**
 * The one read by which the broker made the credential. What is read with the lease's token beyond that is a request as
 * any other. The same request again (two devices of one Vault) is not counted.
 */
async function handOut(tx: Tx, via: string, group: UseGroup): Promise<UseGroup | undefined> {
  const inserted = await tx.query<unknown[]>(
    `INSERT INTO lease_uses (lease_id, what, place, operation, source, span_start, count, told, first_at, last_at, via, request)
     SELECT id, 'handed_out', $2, $3, $4, $5, 1, 1, $6, $6, $7, $8 FROM leases WHERE id = $1
     ON CONFLICT DO NOTHING RETURNING 1`,
    [
      group.leaseId,
      group.place,
      group.operation,
      group.source,
      group.spanStart,
      group.firstAt,
      via,
      group.request,
    ],
  );
  if (inserted.length > 0)
    return group.count === 1 ? undefined : { ...group, use: 'vault_request', count: group.count - 1 };
  const [known] = await tx.query<{ request: string }[]>(
    `SELECT request FROM lease_uses WHERE lease_id = $1 AND what = 'handed_out'`,
    [group.leaseId],
  );
  if (known === undefined || (known.request === group.request && group.count === 1)) return undefined;
  return { ...group, use: 'vault_request' };
}

async function upsert(tx: Tx, via: string, group: UseGroup): Promise<void> {
  await tx.query(
    `INSERT INTO lease_uses AS u (lease_id, what, place, operation, source, span_start, count, first_at, last_at, via, request)
     SELECT id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 FROM leases WHERE id = $1
     ON CONFLICT (lease_id, what, place, operation, source, span_start) DO UPDATE SET
       count = u.count + excluded.count,
       first_at = least(u.first_at, excluded.first_at), last_at = greatest(u.last_at, excluded.last_at)`,
    [
      group.leaseId,
      group.use,
      group.place,
      group.operation,
      group.source,
      group.spanStart,
      group.count,
      group.firstAt,
      group.lastAt,
      via,
      group.request,
    ],
  );
}
