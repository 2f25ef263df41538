import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../audit/audit-inbox.js';
import { decodeCursor, pageOf, type Page } from '../database/page.js';
import { BrokerError } from '../kernel/broker-error.js';
import type { Caller } from '../kernel/caller.js';
import { Clock } from '../kernel/clock.js';
import { SinkDatabase } from './sink-database.js';

/** States of a dead letter. */
export const LETTER_STATES = ['dead', 'retrying', 'delivered'] as const;
export type LetterState = (typeof LETTER_STATES)[number];

/** An event that a receiver would not take. */
export interface DeadLetter {
  readonly id: string;
  readonly sink: string;
  readonly index: number;
  readonly eventId: string;
  readonly kind: string;
  readonly state: LetterState;
  readonly attempts: number;
  readonly lastError: string;
  readonly createdAt: Date;
  readonly changedAt: Date;
}

interface Row {
  id: string;
  sink: string;
  idx: string;
  event_id: string;
  kind: string;
  state: LetterState;
  attempts: number;
  last_error: string;
  created_at: Date;
  changed_at: Date;
}

/** What receivers would not take, for people. */
@Injectable()
export class DeadLetters {
  constructor(
    private readonly database: SinkDatabase,
    private readonly audit: AuditInbox,
    private readonly clock: Clock,
  ) {}

  /** Those of a sink, oldest first. */
  async list(
    sink: string,
    filter: { state?: LetterState | undefined; limit: number; cursor?: string | undefined },
  ): Promise<Page<DeadLetter>> {
    const after = filter.cursor === undefined ? null : decodeCursor(filter.cursor, 1)[0];
    if (after !== null && !Number.isSafeInteger(after))
      throw new BrokerError('request_invalid', { field: 'cursor', detail: 'is not a cursor of this list' });
    const known = await this.database.query('SELECT 1 FROM sinks WHERE name = $1', [sink]);
    if (known.length === 0) throw new BrokerError('not_found', { detail: 'no such sink' });
    const rows = await this.database.query<Row>(
      `SELECT id, sink, idx, event_id, kind, state, attempts, last_error, created_at, changed_at
       FROM sink_dead_letters WHERE sink = $1 AND ($2::text IS NULL OR state = $2) AND ($3::bigint IS NULL OR idx > $3)
       ORDER BY idx LIMIT $4`,
      [sink, filter.state ?? null, after, filter.limit + 1],
    );
    return pageOf(rows.map(letterOf), filter.limit, ({ index }) => [index]);
  }

  /**
   * Lets a sink that waits try again at once, and its dead letters with it: those that are named, or all. Answers how
   * many letters that are; `not_found` when one of those that are named is not dead.
   */
  retry(caller: Caller, sink: string, letters?: readonly string[]): Promise<number> {
    return this.database.run(async (tx) => {
      const [found] = await tx.query<[unknown[], number]>(
        'UPDATE sinks SET next_attempt_at = NULL WHERE name = $1 RETURNING 1',
        [sink],
      );
      if (found.length === 0) throw new BrokerError('not_found', { detail: 'no such sink' });
      const wanted = letters === undefined ? null : [...new Set(letters)];
      const [rows] = await tx.query<[unknown[], number]>(
        `UPDATE sink_dead_letters SET state = 'retrying', changed_at = $2
         WHERE sink = $1 AND state = 'dead' AND ($3::uuid[] IS NULL OR id = ANY($3)) RETURNING 1`,
        [sink, this.clock.now(), wanted],
      );
      if (wanted !== null && rows.length < wanted.length)
        throw new BrokerError('not_found', { detail: 'one of the letters is not dead, or not of this sink' });
      await this.audit.append(tx, 'sink.retried', { caller }, { sink, letters: rows.length });
      return rows.length;
    });
  }
}

function letterOf(row: Row): DeadLetter {
  return {
    id: row.id,
    sink: row.sink,
    index: Number(row.idx),
    eventId: row.event_id,
    kind: row.kind,
    state: row.state,
    attempts: row.attempts,
    lastError: row.last_error,
    createdAt: row.created_at,
    changedAt: row.changed_at,
  };
}
