import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { calculateJwkThumbprint, compactVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { BrokerError } from '../kernel/broker-error.js';
import { Clock } from '../kernel/clock.js';
import type { Secret } from '../kernel/secret.js';
import { parseCompactToken, type CompactToken } from './compact-token.js';
import { importPublicKey, refusalOfKey, type RawKey } from './key-hygiene.js';

/** The request that a proof was made for. */
export interface ProvedRequest {
  readonly method: string;
  /** As the worker knows it, from the public URL; query and fragment do not count. */
  readonly url: string;
  /** The token that the request carries; then the proof must name its hash (`ath`). */
  readonly accessToken?: Secret;
}

const ALGORITHMS = ['ES256', 'ES384', 'EdDSA', 'RS256', 'PS256'];
const MAX_PROOF_BYTES = 8 * 1024;
const MAX_AGE_SECONDS = 60;
const SKEW_SECONDS = 30;
const REMEMBERED_PROOFS = 100_000;

/** Algorithms that proofs may be signed with, for the metadata (`dpop_signing_alg_values_supported`). */
export const PROOF_ALGORITHMS: readonly string[] = ALGORITHMS;

/**
 * Verifies DPoP proofs (RFC 9449 §4.3). Each proof counts once in each replica for as long as it is fresh: the
 * memory of seen proofs is the process's own and holds the last 100,000, so behind a load balancer a thief who
 * reads a request in transit has one try per replica within 90 seconds. The key and the request bind it still.
 */
@Injectable()
export class ProofVerifier {
  readonly #seen = new LRUCache<string, number>({ max: REMEMBERED_PROOFS });

  constructor(private readonly clock: Clock) {}

  /** The thumbprint (RFC 7638) of the key that made the proof; refuses with `proof_invalid`. */
  async verify(proof: string, request: ProvedRequest): Promise<{ keyThumbprint: string }> {
    const parts = partsOf(proof);
    const { key, algorithm } = keyOf(parts);
    await checkSignature(parts, key, algorithm);
    const { payload } = parts;
    if (payload['htm'] !== request.method) refuse('htm is another method');
    if (!sameResource(payload['htu'], request.url)) refuse('htu is another URL');
    this.#checkFreshness(payload['iat']);
    checkAccessToken(payload['ath'], request.accessToken);
    const keyThumbprint = await calculateJwkThumbprint(key, 'sha256');
    this.#useOnce(keyThumbprint, payload['jti']);
    return { keyThumbprint };
  }

  #checkFreshness(iat: unknown): void {
    if (typeof iat !== 'number') refuse('iat is not a number');
    const age = this.clock.now().getTime() / 1_000 - iat;
    if (!(age <= MAX_AGE_SECONDS + SKEW_SECONDS && age >= -SKEW_SECONDS)) refuse('iat is not recent');
  }

  #useOnce(keyThumbprint: string, jti: unknown): void {
    if (typeof jti !== 'string' || jti === '' || jti.length > 256) refuse('jti is not a short text');
    const use = `${keyThumbprint} ${jti}`;
    const nowMs = this.clock.monotonicMs();
    if ((this.#seen.get(use) ?? -Infinity) > nowMs) refuse('it was used before');
    this.#seen.set(use, nowMs + (MAX_AGE_SECONDS + 2 * SKEW_SECONDS) * 1_000);
  }
}

function partsOf(proof: string): CompactToken {
  try {
    return parseCompactToken(proof, MAX_PROOF_BYTES);
  } catch (error) {
    if (error instanceof BrokerError) refuse(error.internal ?? error.code);
    throw error;
  }
}

function keyOf({ header }: CompactToken): { key: RawKey; algorithm: string } {
  if (header['typ'] !== 'dpop+jwt') refuse('typ is not dpop+jwt');
  if (header['crit'] !== undefined) refuse('it has critical extensions');
  const algorithm = ALGORITHMS.find((allowed) => allowed === header['alg']);
  if (algorithm === undefined) refuse('its algorithm is not one that is allowed');
  const jwk = header['jwk'];
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk)) refuse('it carries no key');
  const key = jwk as RawKey;
  const refusal = refusalOfKey(key, algorithm);
  if (refusal !== undefined) refuse(`its key: ${refusal}`);
  return { key, algorithm };
}

async function checkSignature(parts: CompactToken, key: RawKey, algorithm: string): Promise<void> {
  try {
    await compactVerify(parts.text, await importPublicKey(key, algorithm), { algorithms: [algorithm] });
  } catch {
    refuse('its signature does not verify');
  }
}

function sameResource(htu: unknown, url: string): boolean {
  if (typeof htu !== 'string' || !URL.canParse(htu)) return false;
  const [named, asked] = [new URL(htu), new URL(url)];
  return named.origin === asked.origin && named.pathname === asked.pathname;
}

function checkAccessToken(ath: unknown, accessToken: Secret | undefined): void {
  if (accessToken === undefined) return;
  const hash = createHash('sha256').update(accessToken.expose()).digest('base64url');
  if (ath !== hash) refuse('ath is not the hash of the access token');
}

function refuse(reason: string): never {
  throw new BrokerError('proof_invalid', { detail: `The proof is refused: ${reason}.` });
}
