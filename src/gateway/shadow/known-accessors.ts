import { Injectable } from '@nestjs/common';
import { Transactions } from '../../database/transaction.js';
import { AccessorHasher } from './accessor-hasher.js';

/** How far Vault's clock and ours, and a queue before Vault, may set a read apart from its lease. */
const APART_SECONDS = 300;
const MOST_CANDIDATES = 500;
const HASHED = /^hmac-sha256:/;

/** Whether a read was one of ours. */
export type Ownership = 'ours' | 'shadow' | 'undecided';

/** Asks whether an accessor in Vault's audit log is that of a lease. One for each batch: it remembers what it hashed. */
export class AccessorCheck {
  readonly #hashes = new Map<string, Promise<string | undefined>>();
  readonly #answers = new Map<string, Ownership>();

  constructor(
    private readonly transactions: Transactions,
    private readonly hasher: AccessorHasher,
    private readonly device: string | undefined,
  ) {}

  /** No accessor is that of a batch token, and none of ours is one. */
  async ownership(credential: string, accessor: string | undefined, at: Date): Promise<Ownership> {
    if (accessor === undefined) return 'shadow';
    const known = this.#answers.get(accessor);
    if (known !== undefined) return known;
    const answer = HASHED.test(accessor)
      ? await this.hashed(credential, accessor, at)
      : await this.plain(credential, accessor);
    if (answer === 'ours') this.#answers.set(accessor, answer);
    return answer;
  }

  private async plain(credential: string, accessor: string): Promise<Ownership> {
    const rows = await this.transactions.reads.query<unknown[]>(
      'SELECT 1 FROM leases WHERE accessor = $1 AND (credential || $3) = $2',
      [accessor, credential, ''],
    );
    return rows.length > 0 ? 'ours' : 'shadow';
  }

  /** Hashes the accessors of the leases that it could be, since the log's hash cannot be turned back. */
  private async hashed(credential: string, accessor: string, at: Date): Promise<Ownership> {
    const rows = await this.transactions.reads.query<{ accessor: string }[]>(
      `SELECT accessor FROM leases WHERE credential = $1
         AND requested_at BETWEEN $2::timestamptz - $3 * interval '1 second' AND $2::timestamptz + $3 * interval '1 second'
       ORDER BY abs(extract(epoch FROM requested_at - $2::timestamptz)) LIMIT $4`,
      [credential, at, APART_SECONDS, MOST_CANDIDATES + 1],
    );
    let unknown = rows.length > MOST_CANDIDATES;
    for (const candidate of rows.slice(0, MOST_CANDIDATES)) {
      const hash = await this.hash(candidate.accessor);
      if (hash === accessor) return 'ours';
      unknown ||= hash === undefined;
    }
    // With no lease to compare with it is nobody's of ours, whatever the hash is.
    return unknown ? 'undecided' : 'shadow';
  }

  private hash(accessor: string): Promise<string | undefined> {
    const known = this.#hashes.get(accessor);
    if (known !== undefined) return known;
    const hash = this.hasher.hash(accessor, this.device);
    this.#hashes.set(accessor, hash);
    return hash;
  }
}

/** Makes a check for each batch. */
@Injectable()
export class KnownAccessors {
  constructor(
    private readonly transactions: Transactions,
    private readonly hasher: AccessorHasher,
  ) {}

  /** By the salt of that audit device; without one, hashed accessors cannot be told. */
  check(device: string | undefined): AccessorCheck {
    return new AccessorCheck(this.transactions, this.hasher, device);
  }
}
