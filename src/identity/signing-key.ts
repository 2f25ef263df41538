import { Injectable } from '@nestjs/common';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type CryptoKey, type JWK } from 'jose';
import { systemCaller } from '../kernel/caller.js';
import { Clock, addSeconds } from '../kernel/clock.js';
import { Ids } from '../kernel/ids.js';
import { Log } from '../kernel/log.js';
import { Settings } from '../settings/schema.js';
import { Transactions } from '../database/transaction.js';
import { AuditInbox } from '../audit/audit-inbox.js';

/** The algorithm that run tokens are signed with, and no other is verified. */
export const RUN_TOKEN_ALGORITHM = 'ES256';

/** A key that this replica signs with. */
export interface SigningKey {
  readonly keyId: string;
  readonly privateKey: CryptoKey;
  /** The published half, as it is in the table. */
  readonly publicJwk: JWK;
  /** From here on a new one is made. */
  readonly rotatesAt: Date;
  readonly signsUntil: Date;
  readonly verifiesUntil: Date;
}

const GRACE_SECONDS = 3_600;
const CLOCK_MARGIN_SECONDS = 120;
const RETRY_AFTER_FAILURE_MS = 30_000;

/**
 * The key pair of this replica. The private half is made here, cannot be exported and dies with the process; the
 * public half is committed to `signing_keys` together with its event before anything is signed with it, so every
 * replica can verify every token.
 */
@Injectable()
export class SigningKeys {
  #current: SigningKey | undefined;
  #making: Promise<SigningKey> | undefined;
  #retryAtMs = -Infinity;

  constructor(
    private readonly settings: Settings,
    private readonly transactions: Transactions,
    private readonly audit: AuditInbox,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly log: Log,
  ) {}

  /**
   * The key to sign with now. When a new one is due and cannot be published, the old one goes on for an hour; after
   * that, and when there is none yet, it throws what the database threw.
   */
  async current(): Promise<SigningKey> {
    const key = this.#current;
    if (key === undefined || this.clock.now() >= key.signsUntil) return this.#make();
    if (this.clock.now() < key.rotatesAt || this.clock.monotonicMs() < this.#retryAtMs) return key;
    try {
      return await this.#make();
    } catch (error) {
      this.#retryAtMs = this.clock.monotonicMs() + RETRY_AFTER_FAILURE_MS;
      this.log.warn({ err: error, key_id: key.keyId }, 'a new signing key could not be published');
      return key;
    }
  }

  #make(): Promise<SigningKey> {
    this.#making ??= this.#makeOnce().finally(() => {
      this.#making = undefined;
    });
    return this.#making;
  }

  async #makeOnce(): Promise<SigningKey> {
    const { privateKey, publicKey } = await generateKeyPair(RUN_TOKEN_ALGORITHM, { extractable: false });
    const numbers = await exportJWK(publicKey);
    const keyId = await calculateJwkThumbprint(numbers, 'sha256');
    const { keyRotationSeconds, ttlSeconds } = this.settings.values.runTokens;
    const createdAt = this.clock.now();
    const rotatesAt = addSeconds(createdAt, keyRotationSeconds);
    const signsUntil = addSeconds(rotatesAt, GRACE_SECONDS);
    const key: SigningKey = {
      keyId,
      privateKey,
      publicJwk: { ...numbers, kid: keyId, alg: RUN_TOKEN_ALGORITHM, use: 'sig' },
      rotatesAt,
      signsUntil,
      verifiesUntil: addSeconds(signsUntil, ttlSeconds + CLOCK_MARGIN_SECONDS),
    };
    await this.#publish(key, createdAt);
    this.#current = key;
    return key;
  }

  #publish(key: SigningKey, createdAt: Date): Promise<void> {
    return this.transactions.run(async (tx) => {
      await tx.query(
        `INSERT INTO signing_keys (kid, jwk, created_at, signs_until, verifies_until) VALUES ($1, $2, $3, $4, $5)`,
        [key.keyId, JSON.stringify(key.publicJwk), createdAt, key.signsUntil, key.verifiesUntil],
      );
      await this.audit.append(
        tx,
        'signing_key.created',
        { caller: systemCaller('identity', this.ids.uuid()) },
        { key_id: key.keyId, verifies_until: key.verifiesUntil.toISOString() },
      );
    });
  }
}
