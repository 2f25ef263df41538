import { importJWK, type CryptoKey, type JWK } from 'jose';

/** A published key, as it came; nothing about it is believed yet. */
export type RawKey = Readonly<Record<string, unknown>>;

const REQUIREMENTS: Readonly<Record<string, { readonly kty: string; readonly crv?: string }>> = {
  RS256: { kty: 'RSA' },
  RS384: { kty: 'RSA' },
  RS512: { kty: 'RSA' },
  PS256: { kty: 'RSA' },
  PS384: { kty: 'RSA' },
  PS512: { kty: 'RSA' },
  ES256: { kty: 'EC', crv: 'P-256' },
  ES384: { kty: 'EC', crv: 'P-384' },
  ES512: { kty: 'EC', crv: 'P-521' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
};
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];
const MIN_RSA_BITS = 2_048;
const MAX_RSA_BITS = 8_192;

/**
 * Why a key must not be used for an algorithm, or undefined when it may. Says no to symmetric and private keys, to
 * keys published for something else (`use`, `key_ops`, `alg`; RFC 7517 §4), and to RSA keys that are too short,
 * absurdly long, or whose exponent signs anything (e = 1).
 */
export function refusalOfKey(key: RawKey, algorithm: string): string | undefined {
  const required = Object.hasOwn(REQUIREMENTS, algorithm) ? REQUIREMENTS[algorithm] : undefined;
  if (required === undefined) return 'the algorithm is not one that keys are known for';
  if (key['kty'] === 'oct') return 'it is symmetric';
  if (PRIVATE_MEMBERS.some((member) => key[member] !== undefined)) return 'its private part is published';
  if (key['kty'] !== required.kty || (required.crv !== undefined && key['crv'] !== required.crv)) {
    return 'its type does not fit the algorithm';
  }
  if (key['alg'] !== undefined && key['alg'] !== algorithm) return 'it is for another algorithm';
  if (key['use'] !== undefined && key['use'] !== 'sig') return 'it is not for signatures';
  const operations = key['key_ops'];
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) {
    return 'it is not for verification';
  }
  return required.kty === 'RSA' ? refusalOfRsa(key) : undefined;
}

function refusalOfRsa(key: RawKey): string | undefined {
  const bits = unsigned(key['n']).toString(2).length;
  if (bits < MIN_RSA_BITS) return `it is RSA with less than ${MIN_RSA_BITS} bits`;
  if (bits > MAX_RSA_BITS) return `it is RSA with more than ${MAX_RSA_BITS} bits`;
  const exponent = unsigned(key['e']);
  if (exponent < 3n || exponent % 2n === 0n || exponent > 0xffff_ffffn)
    return 'its RSA exponent is not sound';
  return undefined;
}

function unsigned(value: unknown): bigint {
  if (typeof value !== 'string' || value === '') return 0n;
  const hex = Buffer.from(value.slice(0, 4_096), 'base64url').toString('hex');
  return hex === '' ? 0n : BigInt(`0x${hex}`);
}

/** Imports the public numbers of a key that {@link refusalOfKey} let pass, and nothing else of it. */
export async function importPublicKey(key: RawKey, algorithm: string): Promise<CryptoKey> {
  const numbers = Object.fromEntries(
    ['kty', 'crv', 'n', 'e', 'x', 'y']
      .filter((name) => key[name] !== undefined)
      .map((name) => [name, key[name]]),
  );
  const imported = await importJWK(numbers as JWK, algorithm);
  if (imported instanceof Uint8Array) throw new TypeError('a symmetric key cannot be a public key');
  return imported;
}
