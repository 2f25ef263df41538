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

/** A key that signed checkpoints. */
export interface LogKey {
  /** `name+id+base64`, as verifiers read it. */
  readonly line: string;
  readonly origin: string;
  readonly version: number;
  readonly createdAt: Date;
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
  readonly #kept = new Set<string>();

  constructor(private readonly transactions: Transactions) {}

  /** The newest of the log's present origin; undefined before the first. */
  async newest(): Promise<SignedCheckpoint | undefined> {
    const [row] = await this.transactions.reads.query<Row[]>(
      `SELECT c.origin, c.size, c.note, c.signed_at FROM audit_checkpoint c JOIN audit_head h USING (origin)
       ORDER BY c.size DESC LIMIT 1`,
    );
    return row && { origin: row.origin, size: Number(row.size), note: row.note, signedAt: row.signed_at };
  }

  /** The note that was signed last, of whichever origin; undefined before the first. */
  async newestOfAll(): Promise<string | undefined> {
    const [row] = await this.transactions.reads.query<{ note: string }[]>(
      'SELECT note FROM audit_checkpoint ORDER BY signed_at DESC, size DESC LIMIT 1',
    );
    return row?.note;
  }

  /** Drops old ones that others stand for, at most that many; see the migration for which. Answers how many. */
  async thin(most: number): Promise<number> {
    const [row] = await this.transactions.reads.query<{ gone: number }[]>(
      'SELECT thin_audit_checkpoints($1) AS gone',
      [most],
    );
    return row?.gone ?? 0;
  }

  /** Every key that has signed, oldest first. */
  async keys(): Promise<readonly LogKey[]> {
    const rows = await this.transactions.reads.query<
      { key_line: string; origin: string; version: number; created_at: Date }[]
    >('SELECT key_line, origin, version, created_at FROM audit_log_key ORDER BY first_used_at, version');
    return rows.map(({ key_line: line, origin, version, created_at: createdAt }) => ({
      line,
      origin,
      version,
      createdAt,
    }));
  }

  /** Remembers a key that signs; any number of times. */
  async keepKey({ line, origin, version, createdAt }: LogKey, now: Date): Promise<void> {
    if (this.#kept.has(line)) return;
    await this.transactions.reads.query(
      `INSERT INTO audit_log_key (key_line, origin, version, created_at, first_used_at) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT DO NOTHING`,
      [line, origin, version, createdAt, now],
    );
    this.#kept.add(line);
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
