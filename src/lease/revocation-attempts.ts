import { Injectable } from '@nestjs/common';
import { BrokerError } from '../kernel/broker-error.js';
import { crashPoint } from '../kernel/crash-point.js';
import type { ErrorCode } from '../kernel/error-codes.js';
import { Log } from '../kernel/log.js';
import { safeErrorFields } from '../kernel/safe-error.js';
import type { MountLane } from './mount-lanes.js';
import { RevocationClaims, type ClaimedLease } from './revocation-claims.js';
import { RevocationOutcomes } from './revocation-outcomes.js';
import { VaultRevocation } from './vault-revocation.js';

/** Failures that say that Vault, the mount or its target is at fault, not this one lease; a right is for a whole mount. */
const DOWN: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'vault_unavailable',
  'vault_sealed',
  'vault_refused',
  'vault_denied',
  'vault_mount_missing',
]);

/** A proof on its way to the database; in an object, so that awaiting the proof does not await that as well. */
export interface Proved {
  /** Whether it was recorded by us; rejects when the database does not answer, and the claim runs out then. */
  readonly recorded: Promise<boolean>;
}

/**
 * One attempt at revoking a lease that is claimed, in two parts: what the target has to do, and what only Vault is asked
 * for. What fails is recorded with its next attempt. Never called inside a transaction.
 */
@Injectable()
export class RevocationAttempts {
  constructor(
    private readonly claims: RevocationClaims,
    private readonly outcomes: RevocationOutcomes,
    private readonly vault: VaultRevocation,
    private readonly log: Log,
  ) {}

  /** Both parts; answers whether the lease ended. */
  async whole(claimed: ClaimedLease, lane: MountLane): Promise<boolean> {
    if (!(await this.atTarget(claimed, lane))) return false;
    return (await (await this.prove(claimed, lane))?.recorded) ?? false;
  }

  /** The part of the target, which takes a place of its lane; whether the proof is to follow. */
  async atTarget(claimed: ClaimedLease, lane: MountLane): Promise<boolean> {
    crashPoint('lease.revoke.claimed');
    try {
      await this.vault.end(claimed);
      lane.breaker.succeeded();
      return true;
    } catch (error) {
      await this.failed(claimed, lane, error);
      return false;
    }
  }

  /**
   * The proof, for which Vault may be asked `lookWithinMs` later than could be; nothing when there is none and the
   * failure is recorded.
   */
  async prove(claimed: ClaimedLease, lane: MountLane, lookWithinMs = 0): Promise<Proved | undefined> {
    try {
      const deadlineMs = claimed.claimedAtMs + this.claims.holdsMs;
      const proof = await this.vault.prove(claimed, { deadlineMs, lookWithinMs, aside: lane.aside });
      lane.breaker.succeeded();
      return { recorded: this.outcomes.ended(claimed, proof) };
    } catch (error) {
      await this.failed(claimed, lane, error);
      return undefined;
    }
  }

  private async failed(claimed: ClaimedLease, lane: MountLane, error: unknown): Promise<void> {
    if (error instanceof BrokerError && DOWN.has(error.code)) lane.breaker.failed();
    else lane.breaker.succeeded();
    this.log.warn(
      {
        lease_id: claimed.lease.id,
        mount: lane.mount,
        attempts: claimed.lease.attempts + 1,
        ...safeErrorFields(error),
      },
      'a revocation failed and will be tried again',
    );
    await this.outcomes.failed(claimed, error);
  }
}
