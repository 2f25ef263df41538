import { Injectable } from '@nestjs/common';
import { Clock } from '../kernel/clock.js';
import { SinkDatabase } from './sink-database.js';
import { sinkEventOf, type SinkEvent } from './sink-event.js';

/** A dead letter that somebody asked to try again. */
export interface WaitingLetter {
  readonly id: string;
  readonly event: SinkEvent;
}

/** Dead letters on their way out. */
@Injectable()
export class LetterRows {
  constructor(
    private readonly database: SinkDatabase,
    private readonly clock: Clock,
  ) {}

  /** The oldest that are to be tried again. */
  async waiting(sink: string, limit: number): Promise<WaitingLetter[]> {
    const rows = await this.database.query<{ id: string; idx: string; leaf: Buffer }>(
      `SELECT id, idx, leaf FROM sink_dead_letters WHERE sink = $1 AND state = 'retrying' ORDER BY idx LIMIT $2`,
      [sink, limit],
    );
    return rows.map(({ id, idx, leaf }) => ({ id, event: sinkEventOf(Number(idx), leaf) }));
  }

  /** The receiver took it after all. */
  async delivered(id: string): Promise<void> {
    await this.database.query(
      `UPDATE sink_dead_letters SET state = 'delivered', attempts = attempts + 1, changed_at = $2
       WHERE id = $1 AND state = 'retrying'`,
      [id, this.clock.now()],
    );
  }

  /** The receiver would not take it again. */
  async refused(id: string, error: string): Promise<void> {
    await this.database.query(
      `UPDATE sink_dead_letters SET state = 'dead', attempts = attempts + 1, last_error = $3, changed_at = $2
       WHERE id = $1 AND state = 'retrying'`,
      [id, this.clock.now(), error],
    );
  }

  /** Drops those that were delivered before this time, at most `limit`; answers how many. */
  async dropDelivered(before: Date, limit: number): Promise<number> {
    const [, count] = (await this.database.query<unknown>(
      `DELETE FROM sink_dead_letters WHERE id = ANY(ARRAY(
         SELECT id FROM sink_dead_letters WHERE state = 'delivered' AND changed_at < $1 LIMIT $2)) RETURNING 1`,
      [before, limit],
    )) as unknown as [unknown[], number];
    return count;
  }
}
