import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../audit/audit-inbox.js';
import { Transactions, type Tx } from '../database/transaction.js';
import { systemCaller } from '../kernel/caller.js';
import { Clock } from '../kernel/clock.js';
import { Ids } from '../kernel/ids.js';
import { Settings } from '../settings/schema.js';
import type { Alert } from './alert.js';
import { AlertRules } from './alert-rules.js';
import { selectAlerts } from './alert-rows.js';
import { notificationOf } from './notification.js';
import { Outbox } from './outbox.js';
import { silences, type Silence } from './silence.js';
import { SilenceList } from './silence-list.js';

/** For alerts whose rule is gone from the files. */
const DEFAULT_RESOLVE_SECONDS = 3_600;

/** Decides when an alert is told and when it is over. */
@Injectable()
export class Tell {
  constructor(
    private readonly settings: Settings,
    private readonly rules: AlertRules,
    private readonly silenceList: SilenceList,
    private readonly outbox: Outbox,
    private readonly audit: AuditInbox,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Puts what is due into the outbox, or holds it back until its silence ends; answers how many alerts that were. */
  due(limit: number): Promise<number> {
    const now = this.clock.now();
    return this.transactions.run(async (tx) => {
      const alerts = await selectAlerts(
        tx,
        `WHERE state = 'firing' AND notify_at <= $1 ORDER BY notify_at LIMIT $2 FOR UPDATE SKIP LOCKED`,
        [now, limit],
      );
      if (alerts.length === 0) return 0;
      const active = await this.silenceList.active(tx, now);
      for (const alert of alerts) {
        // The one that lasts longest: the others end before it.
        const silence = active.find((each) => silences(each, alert));
        if (silence === undefined) await this.tell(tx, alert, now);
        else await holdBack(tx, alert, silence);
      }
      return alerts.length;
    });
  }

  /** Ends alerts of which everything is told and to which nothing has come for as long as their rule says. */
  resolve(limit: number): Promise<number> {
    const now = this.clock.now();
    const names = this.rules.all.map(({ rule }) => rule.name);
    const waits = this.rules.all.map(({ rule }) => rule.resolve_seconds);
    return this.transactions.run(async (tx) => {
      const alerts = await selectAlerts(
        tx,
        `WHERE state = 'firing' AND notify_at IS NULL AND changed_at <= $1::timestamptz - interval '1 second' *
           coalesce((SELECT w.seconds FROM unnest($2::text[], $3::int[]) AS w(name, seconds) WHERE w.name = alerts.rule), $4)
         ORDER BY changed_at LIMIT $5 FOR UPDATE SKIP LOCKED`,
        [now, names, waits, DEFAULT_RESOLVE_SECONDS, limit],
      );
      for (const alert of alerts) await this.end(tx, alert, now);
      return alerts.length;
    });
  }

  private async tell(tx: Tx, alert: Alert, now: Date): Promise<void> {
    await this.send(tx, alert, 'firing');
    await tx.query(
      `UPDATE alerts SET notify_at = NULL, silenced_by = NULL, notified_at = $2, told_events = events,
         notifications = notifications + 1 WHERE id = $1`,
      [alert.id, now],
    );
  }

  private async end(tx: Tx, alert: Alert, now: Date): Promise<void> {
    await tx.query(`UPDATE alerts SET state = 'resolved', resolved_at = $2 WHERE id = $1`, [alert.id, now]);
    await this.audit.append(
      tx,
      'alert.resolved',
      { caller: systemCaller('alerts', alert.id) },
      { alert_id: alert.id, rule: alert.rule, events: alert.events },
    );
    if (this.rules.find(alert.rule)?.rule.send_resolved === true) await this.send(tx, alert, 'resolved');
  }

  private async send(tx: Tx, alert: Alert, kind: 'firing' | 'resolved'): Promise<void> {
    const { publicUrl } = this.settings.values.server;
    for (const channel of this.rules.channelsOf(alert.rule))
      await this.outbox.add(tx, channel, notificationOf(this.ids.uuid(), kind, alert, publicUrl));
  }
}

async function holdBack(tx: Tx, alert: Alert, silence: Silence): Promise<void> {
  await tx.query('UPDATE alerts SET notify_at = $2, silenced_by = $3 WHERE id = $1', [
    alert.id,
    silence.until,
    silence.id,
  ]);
}
