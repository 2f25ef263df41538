import { Injectable } from '@nestjs/common';
import type { CryptoKey } from 'jose';
import { BrokerError } from '../kernel/broker-error.js';
import { Clock } from '../kernel/clock.js';
import type { IssuerSettings } from '../settings/issuer-schema.js';
import { GuardedFetch } from './guarded-fetch.js';
import { IssuerRegistry } from './issuer-registry.js';
import { KeyCache } from './key-cache.js';
import { loadKeys } from './key-source.js';

/** How an issuer's keys are, for readiness and the doctor. */
export interface KeyHealth {
  /** There is at least one key that tokens can be verified with. */
  readonly ok: boolean;
  /** How old the keys are. */
  readonly ageSeconds?: number;
  /** What is wrong, or which of the keys are refused and why. */
  readonly detail?: string;
}

/** The verification keys of all configured issuers, cached in this process. */
@Injectable()
export class IssuerKeys {
  readonly #caches = new Map<string, KeyCache>();

  constructor(
    private readonly registry: IssuerRegistry,
    private readonly fetch: GuardedFetch,
    private readonly clock: Clock,
  ) {}

  /**
   * The issuer's key with this id for this algorithm. Refuses with `token_key_unknown`, `issuer_keys_refused` and,
   * when the issuer cannot be asked, `issuer_unavailable`.
   */
  async keyFor(issuer: IssuerSettings, keyId: string | undefined, algorithm: string): Promise<CryptoKey> {
    const found = await this.#cache(issuer).find(keyId, algorithm);
    switch (found.status) {
      case 'found':
        return found.key;
      case 'refused':
        throw new BrokerError('issuer_keys_refused', {
          internal: `a key of issuer ${issuer.name} is refused: ${found.reason}`,
        });
      case 'unknown':
        throw new BrokerError('token_key_unknown', { internal: `issuer ${issuer.name}` });
      case 'unavailable':
        throw new BrokerError('issuer_unavailable', {
          internal: `keys of issuer ${issuer.name}: ${found.reason}`,
          retryAfterSeconds: Math.ceil(found.retryAfterMs / 1_000),
        });
    }
  }

  /** Looks whether an issuer's keys can be had and used; fetches them when that is due. Never throws. */
  async check(name: string): Promise<KeyHealth> {
    const issuer = this.registry.byName(name);
    if (issuer === undefined) return { ok: false, detail: 'no such issuer is configured' };
    const cache = this.#cache(issuer);
    const keys = await cache.current();
    if (keys === undefined) return { ok: false, detail: cache.failure ?? 'the keys are too old' };
    const notes = keys.refusals(issuer.algorithms).map((reason) => `refused ${reason}`);
    if (cache.failure !== undefined) notes.unshift(`the last fetch failed: ${cache.failure}`);
    const usable = keys.usable(issuer.algorithms) > 0;
    if (!usable) notes.unshift('none of the keys may be used');
    return {
      ok: usable,
      ageSeconds: Math.floor(cache.ageMs / 1_000),
      ...(notes.length > 0 && { detail: notes.join('; ') }),
    };
  }

  #cache(issuer: IssuerSettings): KeyCache {
    const known = this.#caches.get(issuer.name);
    if (known !== undefined) return known;
    const inline = issuer.keys.from === 'inline';
    const cache = new KeyCache(
      () => loadKeys(issuer, this.fetch),
      {
        maxAgeMs: inline ? Infinity : issuer.keyMaxAgeSeconds * 1_000,
        hardMaxAgeMs: inline ? Infinity : issuer.keyHardMaxAgeSeconds * 1_000,
      },
      this.clock,
    );
    this.#caches.set(issuer.name, cache);
    return cache;
  }
}
