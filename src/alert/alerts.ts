import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../audit/audit-inbox.js';
import { decodeCursor, pageOf, type Page } from '../database/page.js';
import { Transactions } from '../database/transaction.js';
import { BrokerError } from '../kernel/broker-error.js';
import type { Caller } from '../kernel/caller.js';
import { Clock } from '../kernel/clock.js';
import { Ids, isUuid } from '../kernel/ids.js';
import { Settings } from '../settings/schema.js';
import type { Alert, AlertState, Severity } from './alert.js';
import { AlertRules } from './alert-rules.js';
import { selectAlerts } from './alert-rows.js';
import { Channels } from './channel/channels.js';
import { Delivery } from './delivery.js';
import { testNotification, type NotificationKind } from './notification.js';
import { Outbox } from './outbox.js';

/** Which alerts, and which page of them. */
export interface AlertFilter {
  readonly state?: AlertState;
  readonly rule?: string;
  readonly severity?: Severity;
  readonly limit: number;
  readonly cursor?: string;
}

/** How far one telling of somebody has got. */
export interface NotificationState {
  readonly id: string;
  readonly kind: NotificationKind;
  readonly channel: string;
  readonly state: 'waiting' | 'delivered' | 'abandoned';
  readonly attempts: number;
  readonly lastError: string | null;
  readonly createdAt: Date;
  readonly endedAt: Date | null;
}

interface StateRow {
  id: string;
  kind: NotificationKind;
  channel: string;
  state: NotificationState['state'];
  attempts: number;
  last_error: string | null;
  created_at: Date;
  ended_at: Date | null;
}

/** How many tellings an alert shows; the newest. */
const NOTIFICATIONS_SHOWN = 50;

/** Alerts as people ask for them, and the test that channels work. */
@Injectable()
export class Alerts {
  constructor(
    private readonly settings: Settings,
    private readonly rules: AlertRules,
    private readonly channels: Channels,
    private readonly outbox: Outbox,
    private readonly delivery: Delivery,
    private readonly audit: AuditInbox,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Newest first. */
  async list(filter: AlertFilter): Promise<Page<Alert>> {
    const before = filter.cursor === undefined ? null : decodeCursor(filter.cursor, 1)[0];
    if (before !== null && (typeof before !== 'string' || !isUuid(before)))
      throw new BrokerError('request_invalid', { field: 'cursor', detail: 'is not a cursor of this list' });
    const rows = await selectAlerts(
      this.transactions.reads,
      `WHERE ($1::uuid IS NULL OR id < $1) AND ($2::text IS NULL OR state = $2) AND ($3::text IS NULL OR rule = $3)
         AND ($4::text IS NULL OR severity = $4) ORDER BY id DESC LIMIT $5`,
      [before, filter.state ?? null, filter.rule ?? null, filter.severity ?? null, filter.limit + 1],
    );
    return pageOf(rows, filter.limit, ({ id }) => [id]);
  }

  /** One alert and who was told of it; `not_found` if there is none. */
  async get(id: string): Promise<{ alert: Alert; told: readonly NotificationState[] }> {
    const { reads } = this.transactions;
    const [alert] = isUuid(id) ? await selectAlerts(reads, 'WHERE id = $1', [id]) : [];
    if (alert === undefined) throw new BrokerError('not_found', { detail: 'no such alert' });
    return { alert, told: await this.told('alert_id = $1', id) };
  }

  /**
   * Sends a test to a channel, to those of a rule, or to all that alerts usually go to, and waits a moment for what
   * becomes of it. A test that fails is not repeated.
   */
  async test(
    caller: Caller,
    wanted: { rule?: string; channel?: string },
  ): Promise<readonly NotificationState[]> {
    const rule = wanted.rule === undefined ? undefined : this.rules.find(wanted.rule);
    if (wanted.rule !== undefined && rule === undefined)
      throw new BrokerError('not_found', { field: '/rule', detail: 'no such rule' });
    if (wanted.channel !== undefined && this.channels.find(wanted.channel) === undefined)
      throw new BrokerError('not_found', { field: '/channel', detail: 'no such channel' });
    const channels =
      wanted.channel !== undefined
        ? [wanted.channel]
        : rule === undefined
          ? this.rules.usualChannels
          : this.rules.channelsOf(rule.rule.name);
    const ids = channels.map(() => this.ids.uuid());
    const { publicUrl } = this.settings.values.server;
    await this.transactions.run(async (tx) => {
      for (const [at, channel] of channels.entries())
        await this.outbox.add(
          tx,
          channel,
          testNotification(ids[at] ?? this.ids.uuid(), rule?.rule, this.clock.now(), publicUrl),
        );
      await this.audit.append(tx, 'alert.tested', { caller }, { channels });
    });
    await this.delivery.round(this.settings.values.alerts.timeoutMs);
    return this.told('id = ANY($1::uuid[])', ids);
  }

  private async told(condition: string, value: unknown): Promise<NotificationState[]> {
    const rows = await this.transactions.reads.query<StateRow[]>(
      `SELECT id, kind, channel, state, attempts, last_error, created_at, ended_at FROM alert_notifications
       WHERE ${condition} ORDER BY id DESC LIMIT ${NOTIFICATIONS_SHOWN}`,
      [value],
    );
    return rows.map(({ last_error: lastError, created_at: createdAt, ended_at: endedAt, ...row }) => ({
      ...row,
      lastError,
      createdAt,
      endedAt,
    }));
  }
}
