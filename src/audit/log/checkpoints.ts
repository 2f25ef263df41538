import { Injectable } from '@nestjs/common';
import { Transactions } from '../../database/transaction.js';

/** A checkpoint that was signed. */
export interface SignedCheckpoint {
  readonly origin: string;
  readonly size: number;
  /** A C2SP signed note. */
  readonly note: string;
  readonly signedAt: Date;
}

interface Row {
  readonly origin: string;
  readonly size: string;
  readonly note: string;
  readonly signed_at: Date;
}

/** The signed checkpoints of the log. */
@Injectable()
export class Checkpoints {
  constructor(private readonly transactions: Transactions) {}

  /** The newest of the log's present origin; undefined before the first. */
  async newest(): Promise<SignedCheckpoint | undefined> {
    const [row] = await this.transactions.reads.query<Row[]>(
      `SELECT c.origin, c.size, c.note, c.signed_at FROM audit_checkpoint c JOIN audit_head h USING (origin)
       ORDER BY c.size DESC LIMIT 1`,
    );
    return row && { origin: row.origin, size: Number(row.size), note: row.note, signedAt: row.signed_at };
  }

  /** Keeps a checkpoint. One of that size that was kept before stays as it is. */
  async keep({ origin, size, note, signedAt }: SignedCheckpoint, root: Buffer): Promise<void> {
    await this.transactions.reads.query(
      `INSERT INTO audit_checkpoint (origin, size, root_hash, note, signed_at) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (origin, size) DO NOTHING`,
      [origin, size, root, note, signedAt],
    );
  }
}
