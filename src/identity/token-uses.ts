import { Injectable } from '@nestjs/common';
import { BrokerError } from '../kernel/broker-error.js';
import { Clock, addSeconds } from '../kernel/clock.js';
import type { IssuerSettings } from '../settings/issuer-schema.js';
import type { Tx } from '../database/transaction.js';
import type { VerifiedToken } from './verified-token.js';

/** What a second exchange of the same token may do. */
export type ReplayPolicy = IssuerSettings['replay'];

/** The largest skew that settings allow: for that long after its `exp` a token may still be accepted. */
const LONGEST_SKEW_SECONDS = 300;

interface EarlierUse {
  readonly run_key: string;
  readonly key_thumbprint: string | null;
}

/**
 * Remembers which tokens were exchanged, in every replica's database. The insert decides: of two exchanges at the
 * same moment the second waits for the first to commit, and then sees it.
 */
@Injectable()
export class TokenUses {
  constructor(private readonly clock: Clock) {}

  /**
   * Counts a use of the token for a run, or refuses it under the policy: `token_replayed`, and `proof_required` when
   * `first-key-pinned` has no key to pin. A roll-back of the transaction makes the use undone.
   */
  async use(
    tx: Tx,
    token: VerifiedToken,
    policy: ReplayPolicy,
    runKey: string,
    keyThumbprint?: string,
  ): Promise<void> {
    if (policy === 'none') return;
    if (policy === 'first-key-pinned' && keyThumbprint === undefined) {
      throw new BrokerError('proof_required', { internal: 'the replay policy pins a key' });
    }
    const key = keyThumbprint ?? null;
    const inserted: unknown[] = await tx.query(
      `INSERT INTO token_uses (token_hash, issuer, run_key, key_thumbprint, used_at, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (token_hash) DO NOTHING RETURNING 1`,
      [
        token.tokenHash,
        token.issuer,
        runKey,
        key,
        this.clock.now(),
        addSeconds(token.expiresAt, LONGEST_SKEW_SECONDS),
      ],
    );
    if (inserted.length > 0) return;
    const [earlier]: (EarlierUse | undefined)[] = await tx.query(
      'SELECT run_key, key_thumbprint FROM token_uses WHERE token_hash = $1',
      [token.tokenHash],
    );
    if (earlier === undefined || !mayRepeat(policy, earlier, runKey, key)) {
      throw new BrokerError('token_replayed', { internal: `policy ${policy}` });
    }
  }
}

function mayRepeat(policy: ReplayPolicy, earlier: EarlierUse, runKey: string, key: string | null): boolean {
  switch (policy) {
    case 'none':
      return true;
    case 'single-use':
      return false;
    case 'first-key-pinned':
      return key !== null && earlier.key_thumbprint === key;
    case 'idempotent-same-run':
      // A token that was bound to a key once cannot be exchanged for an unbound run token later.
      return (
        earlier.run_key === runKey && (earlier.key_thumbprint === null || earlier.key_thumbprint === key)
      );
  }
}
