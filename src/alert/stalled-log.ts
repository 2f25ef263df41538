import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../audit/audit-inbox.js';
import { AuditQuery } from '../audit/audit-query.js';
import { readEvent } from '../audit/stored-event.js';
import { Transactions } from '../database/transaction.js';
import { systemCaller } from '../kernel/caller.js';
import { Clock } from '../kernel/clock.js';
import { Ids } from '../kernel/ids.js';
import { FollowLog } from './follow-log.js';

/** Sequencing takes a fraction of a second, and a database that fails over some ten. */
const PATIENCE_MS = 60_000;

/**
 * Notices that events wait and nobody sequences them: the log was damaged, or no process has the role. Alerts follow the
 * log, so this one cannot come from there.
 */
@Injectable()
export class StalledLog {
  constructor(
    private readonly transactions: Transactions,
    private readonly inbox: AuditInbox,
    private readonly query: AuditQuery,
    private readonly followLog: FollowLog,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Raises `log.stalled` where it is so, and where no alert about it fires yet; answers whether it did. */
  async watch(): Promise<boolean> {
    const [oldest] = await this.transactions.reads.query<{ leaf: Buffer }[]>(
      'SELECT leaf FROM audit_inbox ORDER BY seq LIMIT 1',
    );
    const since = oldest && readEvent(oldest.leaf)?.['time'];
    if (typeof since !== 'string' || this.clock.now().getTime() - Date.parse(since) < PATIENCE_MS)
      return false;
    const [firing] = await this.transactions.reads.query<unknown[]>(
      `SELECT 1 FROM alerts WHERE rule = 'log-stalled' AND state = 'firing'`,
    );
    if (firing !== undefined) return false;
    const { size } = await this.query.head();
    const id = this.ids.uuid();
    const context = { caller: systemCaller('alerts', id), outcome: 'failure' as const };
    const leaf = this.inbox.leaf(id, 'log.stalled', context, { waiting_since: since, size });
    await this.transactions.run(async (tx) => {
      await tx.query('INSERT INTO audit_inbox (event_id, leaf) VALUES ($1, $2)', [id, leaf]);
      await this.followLog.raiseOutside(tx, { index: size, event: readEvent(leaf) ?? {}, leafHash: '' });
    });
    return true;
  }
}
