import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../audit/audit-inbox.js';
import type { EventData } from '../audit/catalogue.js';
import { Transactions, type Tx } from '../database/transaction.js';
import { systemCaller } from '../kernel/caller.js';
import { Clock } from '../kernel/clock.js';
import { Ids } from '../kernel/ids.js';
import { Settings } from '../settings/schema.js';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** How many rows of each kind were dropped. */
export type Dropped = EventData<'retention.dropped'>;

/** Drops rows that have served their time. The events of what they were stay in the log. */
@Injectable()
export class Retention {
  constructor(
    private readonly transactions: Transactions,
    private readonly audit: AuditInbox,
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Drops at most `limit` rows of each kind, and records it in the same transaction; answers how many in all. */
  drop(limit: number): Promise<number> {
    const { endedLeasesDays, idempotencyHours } = this.settings.values.retention;
    const now = this.clock.now();
    const ended = new Date(now.getTime() - endedLeasesDays * DAY_MS);
    const remembered = new Date(now.getTime() - idempotencyHours * HOUR_MS);
    return this.transactions.run(async (tx) => {
      const dropped: Dropped = {
        leases: await drop(
          tx,
          'leases',
          "state IN ('revoked', 'expired', 'forgotten') AND ended_at < $1",
          ended,
          limit,
        ),
        // A run goes after its last lease.
        runs: await drop(
          tx,
          'runs',
          `state <> 'open' AND ended_at < $1 AND NOT EXISTS (SELECT 1 FROM leases l WHERE l.run_ref = runs.id)`,
          ended,
          limit,
        ),
        idempotency_keys: await drop(tx, 'idempotency_keys', 'created_at < $1', remembered, limit),
        token_uses: await drop(tx, 'token_uses', 'expires_at < $1', now, limit),
        signing_keys: await drop(tx, 'signing_keys', 'verifies_until < $1', now, limit),
      };
      const total = Object.values(dropped).reduce((sum, count) => sum + count, 0);
      if (total > 0) {
        const caller = systemCaller('retention', this.ids.uuid());
        await this.audit.append(tx, 'retention.dropped', { caller }, dropped);
      }
      return total;
    });
  }
}

async function drop(tx: Tx, table: string, condition: string, before: Date, limit: number): Promise<number> {
  const [row] = await tx.query<{ count: number }[]>(
    `WITH dropped AS (
       DELETE FROM ${table} WHERE ctid = ANY(ARRAY(
         SELECT ctid FROM ${table} WHERE ${condition} LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING 1)
     SELECT count(*)::int AS count FROM dropped`,
    [before, limit],
  );
  return row?.count ?? 0;
}
