import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Transactions } from '../../../database/transaction.js';
import { AccessorHasher } from '../accessor-hasher.js';
import type { VaultRequest } from '../vault-audit-line.js';

const HASHED = /^hmac-sha256:/;
const REMEMBERED = 20_000;

/** Which lease a token in Vault's audit log is of. */
@Injectable()
export class TokenLeases {
  readonly #known = new LRUCache<string, string>({ max: REMEMBERED });

  constructor(
    private readonly transactions: Transactions,
    private readonly hasher: AccessorHasher,
  ) {}

  /**
   * The lease whose token made the request. What the token says of itself is only where to look: the accessor that we
   * have on disk must hash to the one in the log. Fails as {@link AccessorHasher} does.
   */
  async ofToken(request: VaultRequest, device: string | undefined): Promise<string | undefined> {
    const { accessor, hintedLease } = request;
    if (accessor === undefined) return undefined;
    const known = this.#known.get(keyOf(device, accessor));
    if (known !== undefined) return known;
    if (!HASHED.test(accessor)) return this.#byAccessor(accessor, device);
    if (device === undefined) return undefined;
    const learned = await this.learned(accessor, device);
    if (learned !== undefined || hintedLease === undefined) return learned;
    const [lease] = await this.transactions.reads.query<{ accessor: string }[]>(
      'SELECT accessor FROM leases WHERE id = $1',
      [hintedLease],
    );
    if (lease === undefined || (await this.hasher.hash(lease.accessor, device)) !== accessor)
      return undefined;
    await this.learn(accessor, device, hintedLease);
    return hintedLease;
  }

  /** The lease of which this was found out before. */
  async learned(hash: string, device: string | undefined): Promise<string | undefined> {
    const key = keyOf(device, hash);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const [row] = await this.transactions.reads.query<{ lease_id: string }[]>(
      'SELECT lease_id FROM vault_hashes WHERE device = $1 AND hash = $2',
      [device ?? '', hash],
    );
    if (row !== undefined) this.#known.set(key, row.lease_id);
    return row?.lease_id;
  }

  /** Remembers what the device writes for something of that lease; also for other replicas, and after a restart. */
  async learn(hash: string, device: string | undefined, leaseId: string): Promise<void> {
    const key = keyOf(device, hash);
    if (this.#known.get(key) === leaseId) return;
    await this.transactions.reads.query(
      `INSERT INTO vault_hashes (device, hash, lease_id) SELECT $1, $2, id FROM leases WHERE id = $3
       ON CONFLICT DO NOTHING`,
      [device ?? '', hash, leaseId],
    );
    this.#known.set(key, leaseId);
  }

  async #byAccessor(accessor: string, device: string | undefined): Promise<string | undefined> {
    const [row] = await this.transactions.reads.query<{ id: string }[]>(
      'SELECT id FROM leases WHERE accessor = $1',
      [accessor],
    );
    if (row !== undefined) this.#known.set(keyOf(device, accessor), row.id);
    return row?.id;
  }
}

function keyOf(device: string | undefined, hash: string): string {
  return `${device ?? ''} ${hash}`;
}
