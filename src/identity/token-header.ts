import { BrokerError } from '../kernel/broker-error.js';
import type { IssuerSettings } from '../settings/issuer-schema.js';

/** What is believed of a token's header: which of the issuer's keys and algorithms to try. */
export interface TokenHeader {
  readonly algorithm: IssuerSettings['algorithms'][number];
  /** A key of the issuer's key set map, and nothing else. */
  readonly keyId: string | undefined;
}

const MAX_KEY_ID_LENGTH = 512;
// A DPoP proof, a logout token or a security event is signed by the same keys, and is no identity (RFC 8725 §3.11).
const TYPES = new Set(['jwt', 'at+jwt', 'jose']);

/**
 * Reads a header under an issuer's settings. `jku`, `x5u`, `x5c` and `jwk` are not looked at. Refuses with
 * `token_algorithm_refused` and `token_header_refused`.
 */
export function readHeader(header: Readonly<Record<string, unknown>>, issuer: IssuerSettings): TokenHeader {
  if (header['crit'] !== undefined || header['b64'] !== undefined) {
    throw new BrokerError('token_header_refused', { internal: 'critical extensions: none is understood' });
  }
  const algorithm = issuer.algorithms.find((allowed) => allowed === header['alg']);
  if (algorithm === undefined) throw new BrokerError('token_algorithm_refused');
  const type = header['typ'];
  if (type !== undefined && !(typeof type === 'string' && TYPES.has(mediaSubtype(type)))) {
    throw new BrokerError('token_header_refused', { internal: 'the type is not one of an identity token' });
  }
  const keyId = header['kid'];
  if (keyId === undefined) return { algorithm, keyId };
  if (typeof keyId !== 'string' || keyId === '' || keyId.length > MAX_KEY_ID_LENGTH) {
    throw new BrokerError('token_header_refused', { internal: 'kid is not a short text' });
  }
  return { algorithm, keyId };
}

function mediaSubtype(type: string): string {
  return type.toLowerCase().replace(/^application\//, '');
}
