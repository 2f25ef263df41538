import { LRUCache } from 'lru-cache';
import type { Clock } from '../kernel/clock.js';
import type { KeyLookup, KeySet } from './key-set.js';
import { TokenBucket } from './token-bucket.js';

/** How long keys are believed. */
export interface KeyAges {
  /** Older keys are fetched again before use; when that fails they still serve. */
  readonly maxAgeMs: number;
  /** Older keys never serve. */
  readonly hardMaxAgeMs: number;
}

/** A key, or that the issuer cannot be asked right now. */
export type CachedLookup =
  KeyLookup | { readonly status: 'unavailable'; readonly reason: string; readonly retryAfterMs: number };

const UNKNOWN_FOR_MS = 60_000;
const UNKNOWN_REMEMBERED = 1_000;
const LOOKS_PER_MINUTE = 6;
const FRESH_ENOUGH_MS = 30_000;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;

/**
 * The keys of one issuer in this process. Fetches are single-flight, backed off after a failure, and, for key ids
 * that nobody has heard of, limited by a budget and a negative cache: a stranger can choose the key id of a token,
 * and must not be able to make us flood the issuer with it.
 */
export class KeyCache {
  readonly #unknown = new LRUCache<string, number>({ max: UNKNOWN_REMEMBERED });
  readonly #looks: TokenBucket;
  #keys: KeySet | undefined;
  #loadedAtMs = 0;
  #loading: Promise<boolean> | undefined;
  #failures = 0;
  #retryAtMs = -Infinity;
  #lastFailure = 'not fetched yet';

  constructor(
    private readonly load: () => Promise<KeySet>,
    private readonly ages: KeyAges,
    private readonly clock: Clock,
  ) {
    this.#looks = new TokenBucket(LOOKS_PER_MINUTE, 60_000, clock);
  }

  /** Looks a key up; never throws. */
  async find(keyId: string | undefined, algorithm: string): Promise<CachedLookup> {
    const keys = await this.current();
    if (keys === undefined) return this.#unavailable();
    const found = await keys.find(keyId, algorithm);
    return found.status === 'unknown' ? this.#lookAgain(keyId, algorithm) : found;
  }

  /** The keys that may be used now, fetched when that is due; undefined when there are none. */
  async current(): Promise<KeySet | undefined> {
    const due = this.#keys === undefined || this.ageMs > this.ages.maxAgeMs;
    if (due && !this.#backingOff) await this.#refresh();
    return this.ageMs <= this.ages.hardMaxAgeMs ? this.#keys : undefined;
  }

  /** Milliseconds since the keys were fetched; infinite before the first time. */
  get ageMs(): number {
    return this.#keys === undefined ? Infinity : this.clock.monotonicMs() - this.#loadedAtMs;
  }

  /** Why the last fetch failed; undefined when it did not. */
  get failure(): string | undefined {
    return this.#failures > 0 ? this.#lastFailure : undefined;
  }

  async #lookAgain(keyId: string | undefined, algorithm: string): Promise<CachedLookup> {
    const name = keyId ?? '';
    const unknownUntilMs = this.#unknown.get(name) ?? -Infinity;
    if (this.ages.maxAgeMs === Infinity || unknownUntilMs > this.clock.monotonicMs()) {
      return { status: 'unknown' };
    }
    if (this.#backingOff) return this.#unavailable();
    // Joining a fetch that is under way costs nothing.
    if (this.#loading === undefined && !this.#looks.take()) {
      return this.ageMs <= FRESH_ENOUGH_MS ? { status: 'unknown' } : this.#unavailable();
    }
    if (!(await this.#refresh()) || this.#keys === undefined) return this.#unavailable();
    const found = await this.#keys.find(keyId, algorithm);
    if (found.status === 'unknown') this.#unknown.set(name, this.clock.monotonicMs() + UNKNOWN_FOR_MS);
    return found;
  }

  #refresh(): Promise<boolean> {
    this.#loading ??= this.#loadOnce().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #loadOnce(): Promise<boolean> {
    try {
      this.#keys = await this.load();
      this.#loadedAtMs = this.clock.monotonicMs();
      this.#failures = 0;
      return true;
    } catch (error) {
      this.#lastFailure = error instanceof Error ? error.message : 'failed';
      const waitMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures);
      this.#failures += 1;
      this.#retryAtMs = this.clock.monotonicMs() + waitMs;
      return false;
    }
  }

  get #backingOff(): boolean {
    return this.#failures > 0 && this.clock.monotonicMs() < this.#retryAtMs;
  }

  #unavailable(): CachedLookup {
    const waitMs = Math.max(this.#retryAtMs - this.clock.monotonicMs(), FIRST_RETRY_MS);
    return { status: 'unavailable', reason: this.#lastFailure, retryAfterMs: waitMs };
  }
}
