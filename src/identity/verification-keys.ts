import { Injectable } from '@nestjs/common';
import { importJWK, type CryptoKey, type JWK } from 'jose';
import { LRUCache } from 'lru-cache';
import { BrokerError } from '../kernel/broker-error.js';
import { Clock } from '../kernel/clock.js';
import { Transactions } from '../database/transaction.js';
import { RUN_TOKEN_ALGORITHM } from './signing-key.js';
import { TokenBucket } from './token-bucket.js';

interface Known {
  /** Undefined: there was no such key. */
  readonly key: CryptoKey | undefined;
  readonly verifiesUntil: Date;
  readonly checkAgainAtMs: number;
}

interface KeyRow {
  readonly jwk: JWK;
  readonly verifies_until: Date;
}

const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/;
const REMEMBERED_KEYS = 2_000;
/** So that a key that is deleted or cut short in the database stops verifying within a minute. */
const BELIEVED_FOR_MS = 60_000;
const LOOKS_PER_SECOND = 50;
const PUBLISHED_FOR_MS = 5_000;

/** The keys of all replicas that verify run tokens, cached by key id, known and unknown alike. */
@Injectable()
export class VerificationKeys {
  readonly #known = new LRUCache<string, Known>({ max: REMEMBERED_KEYS });
  readonly #looking = new Map<string, Promise<Known>>();
  readonly #looks: TokenBucket;
  #published: { readonly keys: Promise<JWK[]>; readonly untilMs: number } | undefined;

  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {
    this.#looks = new TokenBucket(LOOKS_PER_SECOND, 1_000, clock);
  }

  /**
   * The key with this id, if there is one that still verifies. A stranger can name any key id, so looks into the
   * database are limited: beyond the limit a key that is not cached is refused with `overloaded`.
   */
  async find(keyId: string): Promise<CryptoKey | undefined> {
    if (!THUMBPRINT.test(keyId)) return undefined;
    const cached = this.#known.get(keyId);
    const fresh = cached !== undefined && this.clock.monotonicMs() < cached.checkAgainAtMs;
    const known = fresh ? cached : await this.#look(keyId);
    return this.clock.now() < known.verifiesUntil ? known.key : undefined;
  }

  /** The public keys that verify at this moment (RFC 7517 §5); at most five seconds old. */
  async published(): Promise<JWK[]> {
    if (this.#published === undefined || this.clock.monotonicMs() >= this.#published.untilMs) {
      const keys = this.#load('verifies_until > $1 ORDER BY created_at DESC, kid', [this.clock.now()]);
      this.#published = {
        keys: keys.then((rows) => rows.map((row) => row.jwk)),
        untilMs: this.clock.monotonicMs() + PUBLISHED_FOR_MS,
      };
      // A failure is for those who asked, not for five seconds.
      this.#published.keys.catch(() => {
        this.#published = undefined;
      });
    }
    return this.#published.keys;
  }

  #look(keyId: string): Promise<Known> {
    const underWay = this.#looking.get(keyId);
    if (underWay !== undefined) return underWay;
    if (!this.#looks.take()) {
      throw new BrokerError('overloaded', { retryAfterSeconds: 1, internal: 'too many unknown key ids' });
    }
    const look = this.#lookOnce(keyId).finally(() => this.#looking.delete(keyId));
    this.#looking.set(keyId, look);
    return look;
  }

  async #lookOnce(keyId: string): Promise<Known> {
    const [row] = await this.#load('kid = $1', [keyId]);
    const known: Known = {
      key: row && (await importVerificationKey(row.jwk)),
      verifiesUntil: row?.verifies_until ?? new Date(0),
      checkAgainAtMs: this.clock.monotonicMs() + BELIEVED_FOR_MS,
    };
    this.#known.set(keyId, known);
    return known;
  }

  #load(where: string, parameters: unknown[]): Promise<KeyRow[]> {
    return this.transactions.reads.query(
      `SELECT jwk, verifies_until FROM signing_keys WHERE ${where}`,
      parameters,
    );
  }
}

async function importVerificationKey(jwk: JWK): Promise<CryptoKey> {
  const key = await importJWK(jwk, RUN_TOKEN_ALGORITHM);
  if (key instanceof Uint8Array) throw new TypeError('a run token key is symmetric');
  return key;
}
