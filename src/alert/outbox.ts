import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../audit/audit-inbox.js';
import { Transactions, type Tx } from '../database/transaction.js';
import { systemCaller } from '../kernel/caller.js';
import { Clock } from '../kernel/clock.js';
import { Ids } from '../kernel/ids.js';
import { Settings } from '../settings/schema.js';
import type { Notification, NotificationKind } from './notification.js';

const HOUR_MS = 3_600_000;
const FIRST_WAIT_MS = 1_000;
/** Failures after which `alert.notification_failed` is recorded. */
const TELL_AFTER_ATTEMPTS = 5;
/** How much longer than a delivery may take a claim holds: only a replica that died loses it. */
const CLAIM_MARGIN_MS = 20_000;

/** A notification that this replica alone may deliver, until its claim runs out. */
export interface ClaimedNotification {
  readonly id: string;
  readonly claim: string;
  readonly channel: string;
  readonly kind: NotificationKind;
  readonly body: Notification;
  readonly attempts: number;
  readonly createdAt: Date;
}

interface OutboxRow {
  id: string;
  channel: string;
  kind: NotificationKind;
  body: Notification;
  attempts: number;
  created_at: Date;
}

/** What has to be told to whom, on disk until somebody took it. */
@Injectable()
export class Outbox {
  constructor(
    private readonly settings: Settings,
    private readonly transactions: Transactions,
    private readonly audit: AuditInbox,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Puts a notification in for one channel; due at once. */
  async add(tx: Tx, channel: string, body: Notification): Promise<void> {
    await tx.query(
      `INSERT INTO alert_notifications (id, alert_id, kind, channel, body, created_at, next_attempt_at)
       VALUES ($1, $2, $3, $4, $5, $6, $6)`,
      [
        body.id,
        body.alert_id,
        body.type.slice('alert.'.length),
        channel,
        JSON.stringify(body),
        this.clock.now(),
      ],
    );
  }

  /** Takes what is due for a channel, oldest first; what a replica took and never came back with is due again. */
  async claim(channel: string, limit: number): Promise<ClaimedNotification[]> {
    const now = this.clock.now();
    const claim = this.ids.uuid();
    const claimMs = this.settings.values.alerts.timeoutMs + CLAIM_MARGIN_MS;
    const [rows] = await this.transactions.reads.query<[OutboxRow[], number]>(
      `UPDATE alert_notifications SET claimed_by = $3, claimed_until = $2::timestamptz + $4 * interval '1 millisecond'
       WHERE id = ANY(ARRAY(
         SELECT id FROM alert_notifications
         WHERE state = 'waiting' AND channel = $1 AND next_attempt_at <= $2
           AND (claimed_until IS NULL OR claimed_until <= $2)
         ORDER BY next_attempt_at, id LIMIT $5 FOR UPDATE SKIP LOCKED))
       RETURNING id, channel, kind, body, attempts, created_at`,
      [channel, now, claim, claimMs, limit],
    );
    return rows
      .map(({ created_at: createdAt, ...row }) => ({ ...row, claim, createdAt }))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Somebody took it. A claim that was lost changes nothing: the other replica's word counts. */
  async delivered({ id, claim, attempts }: ClaimedNotification): Promise<void> {
    await this.transactions.reads.query(
      `UPDATE alert_notifications SET state = 'delivered', ended_at = $3, attempts = $4, last_error = NULL,
         claimed_by = NULL, claimed_until = NULL
       WHERE id = $1 AND claimed_by = $2 AND state = 'waiting'`,
      [id, claim, this.clock.now(), attempts + 1],
    );
  }

  /**
   * Nobody took it. It waits longer each time; a receiver that says when to come back is obeyed up to the longest wait.
   * Given up after `alerts.expireHours`, tests at once. The fifth failure and the end are events.
   */
  async failed(notification: ClaimedNotification, error: string, retryAfterMs = 0): Promise<void> {
    const { expireHours, backoffMaxSeconds } = this.settings.values.alerts;
    const now = this.clock.now();
    const attempts = notification.attempts + 1;
    const givenUp =
      notification.kind === 'test' ||
      now.getTime() - notification.createdAt.getTime() >= expireHours * HOUR_MS;
    const longestMs = backoffMaxSeconds * 1_000;
    const backoffMs = Math.min(longestMs, FIRST_WAIT_MS * 2 ** Math.min(attempts - 1, 30));
    const waitMs = Math.max(backoffMs * (0.5 + this.ids.fraction() / 2), Math.min(retryAfterMs, longestMs));
    await this.transactions.run(async (tx) => {
      const [rows] = await tx.query<[unknown[], number]>(
        `UPDATE alert_notifications SET state = $3, ended_at = $4, attempts = $5, last_error = $6,
           next_attempt_at = $7, claimed_by = NULL, claimed_until = NULL
         WHERE id = $1 AND claimed_by = $2 AND state = 'waiting' RETURNING 1`,
        [
          notification.id,
          notification.claim,
          givenUp ? 'abandoned' : 'waiting',
          givenUp ? now : null,
          attempts,
          error,
          new Date(now.getTime() + waitMs),
        ],
      );
      if (rows.length === 0 || notification.kind === 'test') return;
      if (!givenUp && attempts !== TELL_AFTER_ATTEMPTS) return;
      await this.audit.append(
        tx,
        'alert.notification_failed',
        { caller: systemCaller('alerts', notification.id), outcome: 'failure' },
        {
          notification_id: notification.id,
          rule: notification.body.rule,
          channel: notification.channel,
          attempts,
          given_up: givenUp,
          detail: error,
        },
      );
    });
  }

  /** Channels that something waits for; also such as the settings do not have any more. */
  async waiting(): Promise<string[]> {
    const rows = await this.transactions.reads.query<{ channel: string }[]>(
      `SELECT DISTINCT channel FROM alert_notifications WHERE state = 'waiting' AND next_attempt_at <= $1`,
      [this.clock.now()],
    );
    return rows.map(({ channel }) => channel);
  }
}
