import { Injectable, type OnModuleInit } from '@nestjs/common';
import { AuditInbox } from '../audit/audit-inbox.js';
import { Transactions, type Tx } from '../database/transaction.js';
import { actorName, systemCaller, type Caller } from '../kernel/caller.js';
import { Clock } from '../kernel/clock.js';
import { Ids } from '../kernel/ids.js';
import { Settings } from '../settings/schema.js';
import { DatabaseIdentity } from './database-identity.js';
import type { Reconciliation } from './reconcile/reconciliation.js';
import { Reconciliations } from './reconcile/reconciliations.js';

const SWITCH = 'revocation';
const HELD = 'hold';
const RUNNING = 'on';

/**
 * A condition of a statement: true unless revocation is held. Anything else than the one known word holds: a switch that
 * nobody understands revokes nothing.
 */
export const NOT_HELD = `NOT EXISTS (SELECT 1 FROM switches WHERE name = '${SWITCH}' AND value <> '${RUNNING}')`;

/** Whether revocation is held, and what is known of why. */
export interface HoldStatus {
  readonly held: boolean;
  /** Since when, by whom and why it is as it is; null where nobody ever touched the switch. */
  readonly changedAt: Date | null;
  readonly changedBy: string | null;
  readonly reason: string | null;
  /** The newest comparison of the books since the hold began that only looked. */
  readonly look: Reconciliation | null;
}

/**
 * Hold mode, for a database or a Vault that was restored: what the books say about leases is old, so nothing is
 * expired, reconciled or revoked by itself until somebody has looked and says so. Ends of runs and grants are recorded
 * and wait. A lease that somebody names (a worker that releases it, an admin who revokes it) is revoked all the same.
 *
 * The switch is in the database, one for all replicas. It is set by an admin, by reconciliation when the books differ
 * too much, by a replica that finds the database in another place than before, and by a process that starts with
 * `leases.revocation: hold`, also after it was lifted: take the setting away before you start again.
 */
@Injectable()
export class RevocationHold implements OnModuleInit {
  constructor(
    private readonly settings: Settings,
    private readonly transactions: Transactions,
    private readonly audit: AuditInbox,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly identity: DatabaseIdentity,
    private readonly reconciliations: Reconciliations,
  ) {}

  /** Sets the hold that the settings or the database ask for, before any job runs; a start that cannot fails. */
  async onModuleInit(): Promise<void> {
    const { leases, roles } = this.settings.values;
    if (leases.revocation === HELD) {
      await this.hold(systemCaller('settings', this.ids.uuid()), 'leases.revocation is set to hold');
    }
    // Who has no jobs revokes nothing by himself.
    if (!roles.includes('scheduler')) return;
    await this.transactions.run(async (tx) => {
      if (!(await this.identity.moved(tx))) return;
      const caller = systemCaller('database-identity', this.ids.uuid());
      await this.holdIn(tx, caller, 'the database is not where it was: restored from a backup, or moved');
    });
  }

  /** Whether revocation is held. */
  async held(): Promise<boolean> {
    const [row] = await this.transactions.reads.query<{ runs: boolean }[]>(`SELECT ${NOT_HELD} AS runs`);
    return row?.runs !== true;
  }

  /** Whether it is held, since when and why, and what the books say. */
  async status(): Promise<HoldStatus> {
    const [row] = await this.transactions.reads.query<
      { value: string; changed_at: Date; changed_by: string; reason: string | null }[]
    >('SELECT value, changed_at, changed_by, reason FROM switches WHERE name = $1', [SWITCH]);
    if (row === undefined) return { held: false, changedAt: null, changedBy: null, reason: null, look: null };
    const held = row.value !== RUNNING;
    const look = held ? await this.reconciliations.newestLook(row.changed_at) : undefined;
    return {
      held,
      changedAt: row.changed_at,
      changedBy: row.changed_by,
      reason: row.reason,
      look: look ?? null,
    };
  }

  /**
   * Holds revocation, and has the books compared without a change, so that it can be told what is unknown. Nothing
   * happens when it is held already. Answers whether it changed anything.
   */
  hold(caller: Caller, reason?: string): Promise<boolean> {
    return this.transactions.run((tx) => this.holdIn(tx, caller, reason));
  }

  /** Lets revocation go on; what waited is due at once. Answers whether it changed anything. */
  resume(caller: Caller, reason?: string): Promise<boolean> {
    return this.transactions.run(async (tx) => {
      const changed = await this.turn(tx, RUNNING, caller, reason);
      if (changed) await this.audit.append(tx, 'revocation.resumed', { caller }, { reason });
      return changed;
    });
  }

  private async holdIn(tx: Tx, caller: Caller, reason: string | undefined): Promise<boolean> {
    const changed = await this.turn(tx, HELD, caller, reason);
    if (!changed) return false;
    await this.audit.append(tx, 'revocation.held', { caller }, { reason });
    await this.reconciliations.insert(tx, 'hold', true, caller, reason);
    return true;
  }

  private async turn(tx: Tx, value: string, caller: Caller, reason: string | undefined): Promise<boolean> {
    const rows = await tx.query<unknown[]>(
      `WITH turned AS (
         INSERT INTO switches AS s (name, value, changed_at, changed_by, reason)
         SELECT $1::text, $2::text, $3::timestamptz, $4::text, $5::text
         WHERE $2::text <> '${RUNNING}' OR EXISTS (SELECT 1 FROM switches WHERE name = $1::text)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at,
           changed_by = excluded.changed_by, reason = excluded.reason
         WHERE s.value <> excluded.value
         RETURNING name)
       SELECT name FROM turned`,
      [SWITCH, value, this.clock.now(), actorName(caller.actor), reason ?? null],
    );
    return rows.length > 0;
  }
}
