import { Injectable, type OnModuleInit } from '@nestjs/common';
import { AuditInbox } from '../audit/audit-inbox.js';
import { Transactions, type Tx } from '../database/transaction.js';
import { actorName, systemCaller, type Caller } from '../kernel/caller.js';
import { Clock } from '../kernel/clock.js';
import { Ids } from '../kernel/ids.js';
import { Settings } from '../settings/schema.js';

const SWITCH = 'revocation';
const HELD = 'hold';
const RUNNING = 'on';

/**
 * Hold mode, for a database that was restored: what it says about leases is old, so nothing is expired, reconciled
 * or revoked by itself until somebody has looked and says so. Ends of runs and grants are recorded and wait. A lease
 * that somebody names (a worker that releases it, an admin who revokes it) is revoked all the same.
 *
 * The switch is in the database, one for all replicas. A process that starts with `leases.revocation: hold` sets it,
 * also after it was lifted: take the setting away before you start again.
 */
@Injectable()
export class RevocationHold implements OnModuleInit {
  constructor(
    private readonly settings: Settings,
    private readonly transactions: Transactions,
    private readonly audit: AuditInbox,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Sets the hold that the settings ask for, before any job runs; a start that cannot fails. */
  async onModuleInit(): Promise<void> {
    if (this.settings.values.leases.revocation !== HELD) return;
    await this.hold(systemCaller('settings', this.ids.uuid()), 'leases.revocation is set to hold');
  }

  /** Whether revocation is held. */
  async held(): Promise<boolean> {
    const [row] = await this.transactions.reads.query<{ value: string }[]>(
      'SELECT value FROM switches WHERE name = $1',
      [SWITCH],
    );
    // Anything else than the one known word holds: a switch that nobody understands revokes nothing.
    return row !== undefined && row.value !== RUNNING;
  }

  /** Holds revocation; nothing happens when it is held already. Answers whether it changed anything. */
  hold(caller: Caller, reason?: string): Promise<boolean> {
    return this.transactions.run(async (tx) => {
      const changed = await this.turn(tx, HELD, caller);
      if (changed) await this.audit.append(tx, 'revocation.held', { caller }, { reason });
      return changed;
    });
  }

  /** Lets revocation go on; what waited is due at once. Answers whether it changed anything. */
  resume(caller: Caller, reason?: string): Promise<boolean> {
    return this.transactions.run(async (tx) => {
      const changed = await this.turn(tx, RUNNING, caller);
      if (changed) await this.audit.append(tx, 'revocation.resumed', { caller }, { reason });
      return changed;
    });
  }

  private async turn(tx: Tx, value: string, caller: Caller): Promise<boolean> {
    const rows = await tx.query<unknown[]>(
      `WITH turned AS (
         INSERT INTO switches AS s (name, value, changed_at, changed_by)
         SELECT $1::text, $2::text, $3::timestamptz, $4::text
         WHERE $2::text <> '${RUNNING}' OR EXISTS (SELECT 1 FROM switches WHERE name = $1::text)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at, changed_by = excluded.changed_by
         WHERE s.value <> excluded.value
         RETURNING name)
       SELECT name FROM turned`,
      [SWITCH, value, this.clock.now(), actorName(caller.actor)],
    );
    return rows.length > 0;
  }
}
