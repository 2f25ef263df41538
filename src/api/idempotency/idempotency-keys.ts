import { Injectable } from '@nestjs/common';
import { addSeconds, Clock } from '../../kernel/clock.js';
import { BrokerError } from '../../kernel/broker-error.js';
import { Transactions } from '../../database/transaction.js';

/** After this a request whose replica died may be tried again with its key. */
const LOCK_SECONDS = 60;

/** What makes a request the same request. */
export interface KeyedRequest {
  /** Who asks: a key of one caller means nothing for another. */
  readonly actor: string;
  readonly route: string;
  readonly key: string;
  /** SHA-256 of path and body. */
  readonly hash: Buffer;
}

/** An answer that was given before. */
export interface StoredAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

interface Row {
  readonly request_hash: Buffer;
  readonly status: number | null;
  readonly headers: Record<string, string> | null;
  readonly body: unknown;
}

/** Remembers answers by idempotency key, in the database, so that any replica can give them again. */
@Injectable()
export class IdempotencyKeys {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /**
   * Takes the key for this request, or answers what it answered before. Refuses with `idempotency_key_reused` another
   * request, and with `idempotency_in_progress` one that is still being worked on. A lock outlives its replica by at
   * most a minute; then the same request may take it over.
   */
  async begin({ actor, route, key, hash }: KeyedRequest): Promise<StoredAnswer | undefined> {
    const now = this.clock.now();
    const { reads } = this.transactions;
    const taken = await reads.query<unknown[]>(
      `WITH taken AS (
         INSERT INTO idempotency_keys AS k (actor, route, key, request_hash, created_at, locked_until)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (actor, route, key) DO UPDATE SET locked_until = excluded.locked_until
         WHERE k.status IS NULL AND k.locked_until <= $5 AND k.request_hash = excluded.request_hash
         RETURNING key)
       SELECT key FROM taken`,
      [actor, route, key, hash, now, addSeconds(now, LOCK_SECONDS)],
    );
    if (taken.length > 0) return undefined;
    const [row] = await reads.query<Row[]>(
      'SELECT request_hash, status, headers, body FROM idempotency_keys WHERE actor = $1 AND route = $2 AND key = $3',
      [actor, route, key],
    );
    if (row !== undefined && !row.request_hash.equals(hash)) throw new BrokerError('idempotency_key_reused');
    if (row === undefined || row.status === null)
      throw new BrokerError('idempotency_in_progress', { retryAfterSeconds: 1 });
    return { status: row.status, headers: row.headers ?? {}, body: row.body };
  }

  /** Keeps the answer. */
  async finish({ actor, route, key }: KeyedRequest, answer: StoredAnswer): Promise<void> {
    await this.transactions.reads.query(
      `UPDATE idempotency_keys SET status = $4, headers = $5, body = $6
       WHERE actor = $1 AND route = $2 AND key = $3`,
      [actor, route, key, answer.status, JSON.stringify(answer.headers), JSON.stringify(answer.body)],
    );
  }

  /** Frees the key of a request that was refused or failed, and so changed nothing: it may be tried again. */
  async abandon({ actor, route, key }: KeyedRequest): Promise<void> {
    await this.transactions.reads.query(
      'DELETE FROM idempotency_keys WHERE actor = $1 AND route = $2 AND key = $3 AND status IS NULL',
      [actor, route, key],
    );
  }
}
