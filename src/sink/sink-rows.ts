import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../audit/audit-inbox.js';
import type { Tx } from '../database/transaction.js';
import { systemCaller, type Caller } from '../kernel/caller.js';
import { Clock } from '../kernel/clock.js';
import { crashPoint } from '../kernel/crash-point.js';
import { Ids } from '../kernel/ids.js';
import type { SinkSettings } from '../settings/sinks-schema.js';
import { SinkDatabase } from './sink-database.js';
import type { SinkEvent } from './sink-event.js';

/** The right to move one sink's cursor, until somebody else takes it. */
export interface HeldSink {
  readonly name: string;
  /** Grows with each holder. */
  readonly fence: string;
  readonly nextIndex: number;
  /** Failures in a row. */
  readonly attempts: number;
  /** Whether the last failure was about what was sent. */
  readonly refused: boolean;
}

/** Another replica follows the log for this sink now. What this one has delivered is delivered again at worst. */
export class SinkLostError extends Error {
  constructor() {
    super('another replica has taken the sink over');
    this.name = 'SinkLostError';
  }
}

interface Row {
  fence: string;
  next_index: string;
  attempts: number;
  refused: boolean;
}

/** An event that a receiver would not take, with its reason. */
export interface DeadEvent {
  readonly event: SinkEvent;
  readonly error: string;
  readonly attempts: number;
}

/** The cursors of sinks. Whoever writes shows its fence; a holder that was overtaken gets {@link SinkLostError}. */
@Injectable()
export class SinkRows {
  constructor(
    private readonly database: SinkDatabase,
    private readonly audit: AuditInbox,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Makes the row of a sink that is new; its beginning is an event. */
  async know({ name, kind, begin }: SinkSettings): Promise<void> {
    await this.database.run(async (tx) => {
      const rows = await tx.query<{ next_index: string }[]>(
        `INSERT INTO sinks (name, kind, next_index, created_at)
         SELECT $1, $2, CASE WHEN $3 THEN 0 ELSE size END, $4 FROM audit_head
         ON CONFLICT (name) DO NOTHING RETURNING next_index`,
        [name, kind, begin === 'first', this.clock.now()],
      );
      const [row] = rows;
      if (row === undefined) return;
      const data = { sink: name, type: kind, next_index: Number(row.next_index) };
      await this.audit.append(tx, 'sink.created', { caller: this.caller() }, data);
    });
  }

  /** Takes a sink when it is due and there is something to send; from now on no earlier holder can move it. Undefined while it waits. */
  async take(name: string, kind: string): Promise<HeldSink | undefined> {
    const [row] = await this.changed(
      this.database.query(
        `UPDATE sinks SET fence = fence + 1, kind = $3
         WHERE name = $1 AND (next_attempt_at IS NULL OR next_attempt_at <= $2)
           AND (next_index < (SELECT size FROM audit_head)
             OR EXISTS (SELECT 1 FROM sink_dead_letters d WHERE d.sink = $1 AND d.state = 'retrying'))
         RETURNING fence, next_index, attempts, refused`,
        [name, this.clock.now(), kind],
      ),
    );
    return row && heldOf(name, row);
  }

  /** Everything before this index is delivered, and the last failure is over. */
  async delivered(held: HeldSink, nextIndex: number, count: number): Promise<HeldSink> {
    const [row] = await this.changed(
      this.database.query(
        `UPDATE sinks SET next_index = $3, delivered = delivered + $4, attempts = 0, refused = false,
           next_attempt_at = NULL, last_error = NULL,
           last_delivered_at = CASE WHEN $4 > 0 THEN $5::timestamptz ELSE last_delivered_at END
         WHERE name = $1 AND fence = $2 RETURNING fence, next_index, attempts, refused`,
        [held.name, held.fence, nextIndex, count, this.clock.now()],
      ),
    );
    return stillHeld(held.name, row);
  }

  /** Puts events aside that the receiver would not take, and goes on behind them; each is an event of its own. */
  putAside(held: HeldSink, dead: readonly DeadEvent[], nextIndex: number, count: number): Promise<HeldSink> {
    const now = this.clock.now();
    return this.database.run(async (tx) => {
      const [row] = await this.changed(
        tx.query(
          `UPDATE sinks SET next_index = $3, delivered = delivered + $4, attempts = 0, refused = false,
             next_attempt_at = NULL, last_error = NULL, last_delivered_at = $5
           WHERE name = $1 AND fence = $2 RETURNING fence, next_index, attempts, refused`,
          [held.name, held.fence, nextIndex, count, now],
        ),
      );
      const moved = stillHeld(held.name, row);
      for (const each of dead) await this.bury(tx, held.name, each, now);
      crashPoint('sink.letter.before-commit');
      return moved;
    });
  }

  /** Nobody took it; due again after the wait. */
  async failed(held: HeldSink, error: string, refused: boolean, waitMs: number): Promise<void> {
    const [row] = await this.changed(
      this.database.query(
        `UPDATE sinks SET attempts = attempts + 1, last_error = $3, refused = $4, next_attempt_at = $5
         WHERE name = $1 AND fence = $2 RETURNING fence, next_index, attempts, refused`,
        [held.name, held.fence, error, refused, new Date(this.clock.now().getTime() + waitMs)],
      ),
    );
    stillHeld(held.name, row);
  }

  /** Goes on behind entries that were dropped before they could be delivered: said in the log, never passed over. */
  missed(held: HeldSink, to: number): Promise<HeldSink> {
    return this.database.run(async (tx) => {
      const [row] = await this.changed(
        tx.query(
          `UPDATE sinks SET next_index = $3 WHERE name = $1 AND fence = $2
           RETURNING fence, next_index, attempts, refused`,
          [held.name, held.fence, to],
        ),
      );
      const moved = stillHeld(held.name, row);
      const data = { sink: held.name, from_index: held.nextIndex, to_index: to };
      await this.audit.append(tx, 'sink.missed', { caller: this.caller(), outcome: 'failure' }, data);
      return moved;
    });
  }

  private async bury(tx: Tx, sink: string, { event, error, attempts }: DeadEvent, now: Date): Promise<void> {
    const id = this.ids.uuid();
    const rows = await tx.query<unknown[]>(
      `INSERT INTO sink_dead_letters (id, sink, idx, event_id, kind, leaf, attempts, last_error, created_at, changed_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) ON CONFLICT (sink, idx) DO NOTHING RETURNING 1`,
      [id, sink, event.index, event.id, event.kind, event.leaf, attempts, error, now],
    );
    // A receiver that does not take events about dead letters would bring forth another with each.
    if (rows.length === 0 || event.kind === 'sink.dead_lettered') return;
    await this.audit.append(
      tx,
      'sink.dead_lettered',
      { caller: this.caller(), outcome: 'failure' },
      { sink, letter_id: id, event_id: event.id, index: event.index, attempts, detail: error },
    );
  }

  private caller(): Caller {
    return systemCaller('sinks', this.ids.uuid());
  }

  /** The driver answers an UPDATE with its rows and their number. */
  private async changed(query: Promise<unknown>): Promise<Row[]> {
    return ((await query) as [Row[], number])[0];
  }
}

function stillHeld(name: string, row: Row | undefined): HeldSink {
  if (row === undefined) throw new SinkLostError();
  return heldOf(name, row);
}

function heldOf(name: string, row: Row): HeldSink {
  return {
    name,
    fence: row.fence,
    nextIndex: Number(row.next_index),
    attempts: row.attempts,
    refused: row.refused,
  };
}
