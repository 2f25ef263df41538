import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../../audit/audit-inbox.js';
import { Transactions, type Tx } from '../../database/transaction.js';
import { systemCaller, type Caller } from '../../kernel/caller.js';
import { Clock } from '../../kernel/clock.js';
import { Ids } from '../../kernel/ids.js';

/** The right to write the next span of one export, until somebody else takes it. */
export interface HeldSchedule {
  readonly name: string;
  /** Grows with each holder. */
  readonly fence: string;
  readonly nextIndex: number;
  /** Where the span ends that somebody began before. */
  readonly pendingTo: number | undefined;
  /** Failures in a row. */
  readonly attempts: number;
}

/** What was written. */
export interface WrittenSpan {
  readonly fromIndex: number;
  readonly toIndex: number;
  readonly count: number;
  readonly folder: string;
}

/** Another replica writes this export now. What this one has written and not published is thrown away. */
export class ScheduleLostError extends Error {
  override readonly name = 'ScheduleLostError';
  readonly code = 'schedule_lost';
}

interface Row {
  readonly name: string;
  readonly fence: string;
  readonly next_index: string;
  readonly pending_to: string | null;
  readonly attempts: number;
}

const RETURNING = 'RETURNING name, fence, next_index, pending_to, attempts';

/** The cursors of scheduled exports. Whoever writes shows its fence; who was overtaken gets {@link ScheduleLostError}. */
@Injectable()
export class ScheduleRows {
  constructor(
    private readonly transactions: Transactions,
    private readonly audit: AuditInbox,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Makes the row of an export that is new: due at once, from the first entry on. */
  async know(name: string): Promise<void> {
    await this.transactions.reads.query(
      `INSERT INTO scheduled_exports (name, next_index, next_at, created_at) VALUES ($1, 0, $2, $2)
       ON CONFLICT (name) DO NOTHING`,
      [name, this.clock.now()],
    );
  }

  /** Takes an export that is due; undefined when it is not. */
  async takeDue(name: string): Promise<HeldSchedule | undefined> {
    const [row] = await this.changed(
      this.transactions.reads,
      `UPDATE scheduled_exports SET fence = fence + 1 WHERE name = $1 AND next_at <= $2 ${RETURNING}`,
      [name, this.clock.now()],
    );
    return row && heldOf(row);
  }

  /** Fixes where the span ends. */
  fix(held: HeldSchedule, toIndex: number): Promise<HeldSchedule> {
    return this.change(this.transactions.reads, held, 'pending_to = $3', [toIndex]);
  }

  /** Whether nobody has overtaken this holder. */
  async isHeld({ name, fence }: HeldSchedule): Promise<boolean> {
    const rows = await this.transactions.reads.query<unknown[]>(
      'SELECT 1 FROM scheduled_exports WHERE name = $1 AND fence = $2',
      [name, fence],
    );
    return rows.length === 1;
  }

  /** Goes on behind entries that were archived before they could be written: said in the log, never passed over. */
  miss(held: HeldSchedule, to: number): Promise<HeldSchedule> {
    const done = held.pendingTo !== undefined && held.pendingTo <= to;
    return this.transactions.run(async (tx) => {
      const moved = await this.change(
        tx,
        held,
        `next_index = $3, pending_to = CASE WHEN $4 THEN NULL ELSE pending_to END`,
        [to, done],
      );
      await this.audit.append(
        tx,
        'audit.export_missed',
        { caller: this.caller(), outcome: 'failure' },
        { schedule: held.name, from_index: held.nextIndex, to_index: to },
      );
      return moved;
    });
  }

  /** The span is in the folder; due again at `nextAt`. */
  async written(held: HeldSchedule, span: WrittenSpan, nextAt: Date): Promise<void> {
    await this.transactions.run(async (tx) => {
      await this.change(
        tx,
        held,
        `next_index = $3, pending_to = NULL, next_at = $4, attempts = 0, last_error = NULL, failing_since = NULL,
         last_at = $5, last_from = $6, last_to = $3, last_count = $7, last_folder = $8`,
        [span.toIndex, nextAt, this.clock.now(), span.fromIndex, span.count, span.folder],
      );
      if (held.attempts > 0)
        await this.audit.append(
          tx,
          'audit.export_recovered',
          { caller: this.caller() },
          { schedule: held.name, attempts: held.attempts },
        );
    });
  }

  /** There was nothing to write. */
  async nothing(held: HeldSchedule, nextAt: Date): Promise<void> {
    await this.change(this.transactions.reads, held, 'next_at = $3', [nextAt]);
  }

  /** It could not be written; due again after the wait. */
  async failed(held: HeldSchedule, detail: string, waitMs: number): Promise<void> {
    const now = this.clock.now();
    await this.transactions.run(async (tx) => {
      const { attempts } = await this.change(
        tx,
        held,
        `attempts = attempts + 1, last_error = $3, failing_since = coalesce(failing_since, $4), next_at = $5`,
        [detail, now, new Date(now.getTime() + waitMs)],
      );
      await this.audit.append(
        tx,
        'audit.export_failed',
        { caller: this.caller(), outcome: 'failure' },
        { schedule: held.name, from_index: held.nextIndex, attempts, detail },
      );
    });
  }

  private async change(
    tx: Tx,
    { name, fence }: HeldSchedule,
    set: string,
    values: readonly unknown[],
  ): Promise<HeldSchedule> {
    const text = `UPDATE scheduled_exports SET ${set} WHERE name = $1 AND fence = $2 ${RETURNING}`;
    const [row] = await this.changed(tx, text, [name, fence, ...values]);
    if (row === undefined) throw new ScheduleLostError('another replica has taken the export over');
    return heldOf(row);
  }

  /** The driver answers an UPDATE with its rows and their number. */
  private async changed(tx: Tx, text: string, values: readonly unknown[]): Promise<Row[]> {
    return (await tx.query<[Row[], number]>(text, [...values]))[0];
  }

  private caller(): Caller {
    return systemCaller('exports', this.ids.uuid());
  }
}

function heldOf(row: Row): HeldSchedule {
  return {
    name: row.name,
    fence: row.fence,
    nextIndex: Number(row.next_index),
    pendingTo: row.pending_to === null ? undefined : Number(row.pending_to),
    attempts: row.attempts,
  };
}
