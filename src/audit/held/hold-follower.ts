import { Injectable } from '@nestjs/common';
import { Transactions } from '../../database/transaction.js';
import { AuditQuery } from '../audit-query.js';
import { readEvent } from '../stored-event.js';
import { HOLD_KINDS, holdChanges, type HoldChanges, type LoggedEvent } from './hold-changes.js';
import { keepHolds } from './hold-rows.js';

/** Entries of the log that one step goes over; few, since without statistics PostgreSQL sorts all of a stretch. */
const STRETCH = 1_000;

interface Row {
  readonly idx: string;
  readonly leaf: Buffer;
}

/**
 * Follows the log and keeps who held what, beside it. How far it read and what it found are one transaction, so that no
 * event is missed however often it is ended; the log itself does not wait for it.
 */
@Injectable()
export class HoldFollower {
  constructor(
    private readonly query: AuditQuery,
    private readonly transactions: Transactions,
  ) {}

  /** Goes on by one stretch; answers how many entries that were, 0 at the end or when another replica took it. */
  async step(): Promise<number> {
    const from = await this.nextIndex();
    const { size } = await this.query.head();
    const to = Math.min(size, from + STRETCH);
    if (to <= from) return 0;
    const changes = await this.#read(from, to);
    const moved = await this.transactions.run(async (tx) => {
      // Compared and set: where another replica has taken this stretch already, what was found here is dropped.
      const [rows] = await tx.query<[unknown[], number]>(
        'UPDATE hold_cursor SET next_index = $2 WHERE next_index = $1 RETURNING 1',
        [from, to],
      );
      if (rows.length === 0) return false;
      await keepHolds(tx, changes);
      return true;
    });
    return moved ? to - from : 0;
  }

  /**
   * Goes on until it has read what is in the log now, or has taken `steps`; answers up to which index it is complete.
   */
  async catchUp(steps: number): Promise<number> {
    const { size } = await this.query.head();
    let next = await this.nextIndex();
    for (let left = steps; left > 0 && next < size; left -= 1) {
      await this.step();
      next = await this.nextIndex();
    }
    return next;
  }

  /** Up to which index of the log it has read. */
  async nextIndex(): Promise<number> {
    const [cursor] = await this.transactions.reads.query<{ next_index: string }[]>(
      'SELECT next_index FROM hold_cursor',
    );
    if (cursor === undefined) throw new Error('who held what has no cursor');
    return Number(cursor.next_index);
  }

  async #read(from: number, to: number): Promise<HoldChanges> {
    const rows = await this.transactions.reads.query<Row[]>(
      `SELECT idx, leaf FROM audit_entry WHERE kind = ANY($1::text[]) AND idx >= $2::bigint AND idx < $3::bigint
       ORDER BY idx`,
      [HOLD_KINDS, from, to],
    );
    return holdChanges(read(rows));
  }
}

/** One at a time: a page of events taken apart would outlive the young generation. */
function* read(rows: readonly Row[]): Generator<LoggedEvent> {
  for (const { idx, leaf } of rows) yield { index: Number(idx), event: readEvent(leaf) ?? {} };
}
