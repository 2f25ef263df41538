import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { SignJWT, compactVerify, type JWK } from 'jose';
import { LRUCache } from 'lru-cache';
import { BrokerError } from '../kernel/broker-error.js';
import { Clock, addSeconds, epochSeconds } from '../kernel/clock.js';
import { Ids } from '../kernel/ids.js';
import { Secret } from '../kernel/secret.js';
import { Settings } from '../settings/schema.js';
import { parseCompactToken, type CompactToken } from './compact-token.js';
import { fromClaims, toClaims, type RunClaims } from './run-token-claims.js';
import type { RunIdentity } from './run-token.js';
import { RUN_TOKEN_ALGORITHM, SigningKeys } from './signing-key.js';
import { VerificationKeys } from './verification-keys.js';

const TYPE = 'at+jwt';
const CLOCK_MARGIN_SECONDS = 60;
/** How many tokens are remembered whose signature was found good; a worker shows the same one for ten minutes. */
const REMEMBERED = 10_000;

interface SignedPayload {
  readonly keyId: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** A run token that was just made. */
export interface MintedToken {
  readonly token: Secret;
  readonly tokenId: string;
  readonly expiresAt: Date;
}

/** Makes and verifies run tokens: JWT access tokens (RFC 9068) whose issuer and audience are both this broker. */
@Injectable()
export class RunTokens {
  readonly #signed = new LRUCache<string, SignedPayload>({ max: REMEMBERED });

  constructor(
    private readonly settings: Settings,
    private readonly signingKeys: SigningKeys,
    private readonly verificationKeys: VerificationKeys,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Makes a token that lives for the configured time and never beyond `maxExpiresAt`; `run_closed` if that is past. */
  async mint(identity: RunClaims, maxExpiresAt: Date): Promise<MintedToken> {
    const { runTokens, server } = this.settings.values;
    const key = await this.signingKeys.current();
    const now = this.clock.now();
    const issuedAt = epochSeconds(now);
    const expiresAt = Math.min(
      epochSeconds(addSeconds(now, runTokens.ttlSeconds)),
      epochSeconds(maxExpiresAt),
    );
    if (!(expiresAt > issuedAt)) throw new BrokerError('run_closed');
    const tokenId = this.ids.uuid();
    const text = await new SignJWT(toClaims(identity))
      .setProtectedHeader({ alg: RUN_TOKEN_ALGORITHM, typ: TYPE, kid: key.keyId })
      .setIssuer(server.publicUrl)
      .setAudience(server.publicUrl)
      .setIssuedAt(issuedAt)
      .setExpirationTime(expiresAt)
      .setJti(tokenId)
      .sign(key.privateKey);
    return { token: Secret.of(text), tokenId, expiresAt: new Date(expiresAt * 1_000) };
  }

  /**
   * Sees to it that there is a key to sign with, which may mean to publish one. Call it before a transaction in which
   * {@link mint} is called: transactions that wait for a connection that they themselves hold never end.
   */
  async ready(): Promise<void> {
    await this.signingKeys.current();
  }

  /**
   * The identity in a run token that any replica signed. Refuses with `run_token_invalid` and `run_token_expired`.
   * It does not look whether the run is still open, nor ask for the proof of a bound token: whoever uses the
   * identity does.
   */
  async verify(raw: Secret): Promise<RunIdentity> {
    const digest = createHash('sha256').update(raw.expose()).digest('base64');
    let signed = this.#signed.get(digest);
    if (signed === undefined) {
      signed = await this.#signedPayload(raw);
      this.#signed.set(digest, signed);
    } else if ((await this.verificationKeys.find(signed.keyId)) === undefined) {
      // Only the signature is remembered: the key must still be one of ours, and the time is looked at each time.
      refuse('its key is not known');
    }
    return this.#identityIn(signed.payload);
  }

  /** The keys that verify run tokens, of all replicas; for the JWKS endpoint. */
  async jwks(): Promise<{ keys: JWK[] }> {
    return { keys: await this.verificationKeys.published() };
  }

  async #signedPayload(raw: Secret): Promise<SignedPayload> {
    const { header, payload, text } = partsOf(raw);
    const { alg, typ, kid, crit } = header;
    if (alg !== RUN_TOKEN_ALGORITHM || typ !== TYPE || crit !== undefined)
      refuse('it is another kind of token');
    if (typeof kid !== 'string') refuse('it names no key');
    const key = await this.verificationKeys.find(kid);
    if (key === undefined) refuse('its key is not known');
    try {
      await compactVerify(text, key, { algorithms: [RUN_TOKEN_ALGORITHM] });
    } catch {
      refuse('its signature does not verify');
    }
    return { keyId: kid, payload };
  }

  #identityIn(payload: Readonly<Record<string, unknown>>): RunIdentity {
    const { publicUrl } = this.settings.values.server;
    const { iss, aud, iat } = payload;
    const identity = fromClaims(payload);
    if (identity === undefined) refuse('a claim is missing');
    if (iss !== publicUrl || aud !== publicUrl) refuse('it is for another broker');
    const now = epochSeconds(this.clock.now());
    if (typeof iat !== 'number' || iat > now + CLOCK_MARGIN_SECONDS) refuse('it is from the future');
    if (this.clock.now() >= identity.expiresAt) throw new BrokerError('run_token_expired');
    return identity;
  }
}

function partsOf(raw: Secret): CompactToken {
  try {
    return parseCompactToken(raw.expose());
  } catch (error) {
    if (error instanceof BrokerError) refuse(error.code);
    throw error;
  }
}

function refuse(reason: string): never {
  throw new BrokerError('run_token_invalid', { internal: reason });
}
