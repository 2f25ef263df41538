import { Injectable } from '@nestjs/common';
import { Transactions, type Tx } from '../../../database/transaction.js';
import { Clock } from '../../../kernel/clock.js';

/** How far a log file was read. */
export interface LogCursor {
  /** Number of the file in its file system; a hint where it went when it was renamed. */
  readonly fileNumber: string;
  /** SHA-256 of the line that the file begins with: which file it is. */
  readonly firstLine: Buffer;
  readonly readBytes: number;
}

interface CursorRow {
  file_number: string;
  first_line: Buffer;
  read_bytes: string;
}

/** Where each log was read on. Moved in the transaction that writes down what was read, so nothing counts twice. */
@Injectable()
export class LogCursors {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  async find(source: string): Promise<LogCursor | undefined> {
    const [row] = await this.transactions.reads.query<CursorRow[]>(
      'SELECT file_number, first_line, read_bytes FROM log_cursors WHERE source = $1',
      [source],
    );
    return (
      row && { fileNumber: row.file_number, firstLine: row.first_line, readBytes: Number(row.read_bytes) }
    );
  }

  /** Compared and set: false where another replica has read this stretch already. */
  async move(tx: Tx, source: string, from: LogCursor | undefined, to: LogCursor): Promise<boolean> {
    const values = [source, to.fileNumber, to.firstLine, to.readBytes, this.clock.now()];
    if (from === undefined) {
      const inserted = await tx.query<unknown[]>(
        `INSERT INTO log_cursors (source, file_number, first_line, read_bytes, moved_at)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING 1`,
        values,
      );
      return inserted.length > 0;
    }
    const [rows] = await tx.query<[unknown[], number]>(
      `UPDATE log_cursors SET file_number = $2, first_line = $3, read_bytes = $4, moved_at = $5
       WHERE source = $1 AND first_line = $6 AND read_bytes = $7 RETURNING 1`,
      [...values, from.firstLine, from.readBytes],
    );
    return rows.length > 0;
  }
}
