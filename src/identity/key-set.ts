import type { CryptoKey } from 'jose';
import { importPublicKey, refusalOfKey, type RawKey } from './key-hygiene.js';

/** What a key set knows about the key that a token names. */
export type KeyLookup =
  | { readonly status: 'found'; readonly key: CryptoKey }
  | { readonly status: 'unknown' }
  | { readonly status: 'refused'; readonly reason: string };

const MAX_KEYS = 256;

/** The keys of an issuer at one moment (RFC 7517 §5). A bad key in it is refused alone, not with all others. */
export class KeySet {
  readonly #keys: readonly RawKey[];
  readonly #imported = new Map<RawKey, Map<string, CryptoKey>>();

  private constructor(keys: readonly RawKey[]) {
    this.#keys = keys;
  }

  /** Takes a JWK set; throws a `TypeError` on anything else. */
  static of(document: unknown): KeySet {
    const keys = isRecord(document) ? document['keys'] : undefined;
    if (!Array.isArray(keys) || keys.length > MAX_KEYS) throw new TypeError('it is not a JWK set');
    return new KeySet(keys.filter(isRecord));
  }

  /** How many keys may be used for at least one of the algorithms. */
  usable(algorithms: readonly string[]): number {
    return this.#keys.filter((key) => algorithms.some((alg) => refusalOfKey(key, alg) === undefined)).length;
  }

  /** Why each of the other keys may not, by key id. */
  refusals(algorithms: readonly string[]): string[] {
    return this.#keys.flatMap((key) => {
      const reasons = algorithms.map((algorithm) => refusalOfKey(key, algorithm));
      return reasons.includes(undefined) ? [] : [`${keyIdOf(key) ?? 'a key without id'}: ${reasons[0]}`];
    });
  }

  /**
   * The one key with this id that fits the algorithm. Without an id: the one key that fits at all. Two that fit are
   * refused: which of them verifies must not be tried out.
   */
  async find(keyId: string | undefined, algorithm: string): Promise<KeyLookup> {
    const named = keyId === undefined ? this.#keys : this.#keys.filter((key) => keyIdOf(key) === keyId);
    const fitting = named.filter((key) => refusalOfKey(key, algorithm) === undefined);
    const [key, second] = fitting;
    if (second !== undefined) return { status: 'refused', reason: 'more than one key answers to it' };
    if (key !== undefined) return this.#import(key, algorithm);
    const [candidate] = named;
    if (candidate === undefined || keyId === undefined) return { status: 'unknown' };
    return { status: 'refused', reason: refusalOfKey(candidate, algorithm) ?? 'it does not fit' };
  }

  async #import(key: RawKey, algorithm: string): Promise<KeyLookup> {
    const byAlgorithm = this.#imported.get(key) ?? new Map<string, CryptoKey>();
    this.#imported.set(key, byAlgorithm);
    const known = byAlgorithm.get(algorithm);
    if (known !== undefined) return { status: 'found', key: known };
    try {
      const imported = await importPublicKey(key, algorithm);
      byAlgorithm.set(algorithm, imported);
      return { status: 'found', key: imported };
    } catch {
      return { status: 'refused', reason: 'its numbers are not a key' };
    }
  }
}

function keyIdOf(key: RawKey): string | undefined {
  return typeof key['kid'] === 'string' ? key['kid'] : undefined;
}

function isRecord(value: unknown): value is RawKey {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
