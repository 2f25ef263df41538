import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../audit/audit-inbox.js';
import { decodeCursor, pageOf, type Page } from '../database/page.js';
import { Transactions, type Tx } from '../database/transaction.js';
import { BrokerError } from '../kernel/broker-error.js';
import { actorName, type Caller } from '../kernel/caller.js';
import { addSeconds, Clock } from '../kernel/clock.js';
import { Ids, isUuid } from '../kernel/ids.js';
import type { Labels } from './alert.js';
import { LONGEST_SILENCE_SECONDS, type Silence } from './silence.js';

/** A silence that somebody asks for. */
export interface WantedSilence {
  readonly matchers: Labels;
  readonly durationSeconds: number;
  readonly comment: string;
}

interface SilenceRow {
  id: string;
  matchers: Labels;
  comment: string;
  created_at: Date;
  created_by: string;
  until: Date;
  ended_at: Date | null;
  ended_by: string | null;
}

/** The silences. Each one's beginning and early end is an event, with who and why. */
@Injectable()
export class SilenceList {
  constructor(
    private readonly transactions: Transactions,
    private readonly audit: AuditInbox,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Begins a silence now; `request_invalid` when it would be longer than anybody may keep quiet. */
  create(caller: Caller, { matchers, durationSeconds, comment }: WantedSilence): Promise<Silence> {
    if (!(durationSeconds >= 1 && durationSeconds <= LONGEST_SILENCE_SECONDS))
      throw new BrokerError('request_invalid', {
        field: '/duration_seconds',
        detail: `is not from 1 to ${LONGEST_SILENCE_SECONDS}`,
      });
    const now = this.clock.now();
    const until = addSeconds(now, durationSeconds);
    const id = this.ids.uuid();
    return this.transactions.run(async (tx) => {
      const [row] = await tx.query<SilenceRow[]>(
        `INSERT INTO alert_silences (id, matchers, comment, created_at, created_by, until)
         VALUES ($1, $2, $3, $4, $5, $6) RETURNING *`,
        [id, JSON.stringify(matchers), comment, now, actorName(caller.actor), until],
      );
      const data = { silence_id: id, matchers, until: until.toISOString(), comment };
      await this.audit.append(tx, 'alert.silenced', { caller }, data);
      return toSilence(row);
    });
  }

  /** Ends a silence early: what it held back is due at once. Refuses one that has ended. */
  end(caller: Caller, id: string): Promise<Silence> {
    const now = this.clock.now();
    return this.transactions.run(async (tx) => {
      const before = isUuid(id) ? await select(tx, 'WHERE id = $1 FOR UPDATE', [id]) : [];
      if (before[0] === undefined) throw new BrokerError('not_found', { detail: 'no such silence' });
      if (before[0].endedAt !== null || before[0].until <= now)
        throw new BrokerError('state_transition_refused', { detail: 'the silence has ended already' });
      await tx.query('UPDATE alert_silences SET ended_at = $2, ended_by = $3 WHERE id = $1', [
        id,
        now,
        actorName(caller.actor),
      ]);
      await tx.query(
        `UPDATE alerts SET notify_at = $2, silenced_by = NULL WHERE silenced_by = $1 AND notify_at IS NOT NULL`,
        [id, now],
      );
      await this.audit.append(tx, 'alert.silence_ended', { caller }, { silence_id: id });
      return { ...before[0], endedAt: now, endedBy: actorName(caller.actor) };
    });
  }

  /** Those that hold at this moment. */
  active(tx: Tx, now: Date): Promise<Silence[]> {
    return select(tx, 'WHERE ended_at IS NULL AND until > $1 ORDER BY until DESC', [now]);
  }

  /** Newest first; only those that hold when `active`. */
  async list(filter: { active?: boolean; limit: number; cursor?: string }): Promise<Page<Silence>> {
    const before = filter.cursor === undefined ? null : decodeCursor(filter.cursor, 1)[0];
    if (before !== null && (typeof before !== 'string' || !isUuid(before)))
      throw new BrokerError('request_invalid', { field: 'cursor', detail: 'is not a cursor of this list' });
    const rows = await select(
      this.transactions.reads,
      `WHERE ($1::uuid IS NULL OR id < $1)
         AND ($2::boolean IS NULL OR (ended_at IS NULL AND until > $3) = $2) ORDER BY id DESC LIMIT $4`,
      [before, filter.active ?? null, this.clock.now(), filter.limit + 1],
    );
    return pageOf(rows, filter.limit, ({ id }) => [id]);
  }
}

async function select(tx: Tx, where: string, values: readonly unknown[]): Promise<Silence[]> {
  const rows = await tx.query<SilenceRow[]>(`SELECT * FROM alert_silences ${where}`, [...values]);
  return rows.map(toSilence);
}

function toSilence(row: SilenceRow | undefined): Silence {
  if (row === undefined) throw new Error('a silence that was written is not there');
  return {
    id: row.id,
    matchers: row.matchers,
    comment: row.comment,
    createdAt: row.created_at,
    createdBy: row.created_by,
    until: row.until,
    endedAt: row.ended_at,
    endedBy: row.ended_by,
  };
}
