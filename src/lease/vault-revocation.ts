import { Injectable } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { BrokerError } from '../kernel/broker-error.js';
import { Clock } from '../kernel/clock.js';
import { crashPoint } from '../kernel/crash-point.js';
import { CredentialSource, type Presence } from './credential-source.js';
import type { Proof } from './lease.js';

/** What of a lease is known to Vault. */
export interface KnownToVault {
  readonly accessor: string;
  readonly vaultLeaseId: string | undefined;
}

/** How a proof is to be had. */
export interface ProofTerms {
  /** Of the monotonic clock; no call begins after it. */
  readonly deadlineMs: number;
  /** How long a look may be put off, for the sake of others. */
  readonly lookWithinMs: number;
  /** Says when the token's turn is. */
  readonly aside: <T>(work: () => Promise<T>) => Promise<T>;
}

const PROOF_WITHIN_MS = 3_000;
const FIRST_LOOK_AFTER_MS = 10;
const LONGEST_PAUSE_MS = 250;

/**
 * The calls that end a lease in Vault, and the look-ups that prove it. Safe to repeat at any point: what is gone
 * already is fine. Never called inside a transaction.
 */
@Injectable()
export class VaultRevocation {
  constructor(
    private readonly source: CredentialSource,
    private readonly clock: Clock,
  ) {}

  /**
   * Has the target make it worthless: revokes Vault's lease and waits for the target, or, where Vault's lease is not
   * known, revokes the token that it hangs from. Fails with the codes of {@link CredentialSource}.
   */
  async end({ accessor, vaultLeaseId }: KnownToVault): Promise<void> {
    if (vaultLeaseId === undefined) await this.source.revokeAccessor(accessor);
    else await this.source.revokeLease(vaultLeaseId);
    crashPoint('lease.revoke.vault-revoked');
  }

  /**
   * After {@link end}: revokes the token and looks until the lease is gone, or, where Vault's lease is not known, until
   * the token is; asks little of Vault and nothing of the target. Fails with the codes of {@link CredentialSource}, with
   * `vault_unavailable` when a call would begin after the deadline, and with `vault_refused` when Vault still knows it
   * after a while.
   */
  async prove(
    { accessor, vaultLeaseId }: KnownToVault,
    { deadlineMs, lookWithinMs, aside }: ProofTerms,
  ): Promise<Proof> {
    if (vaultLeaseId !== undefined)
      await aside(() => {
        this.refuseLate(deadlineMs);
        return this.source.revokeAccessor(accessor);
      });
    crashPoint('lease.revoke.accessor-revoked');
    this.refuseLate(deadlineMs);
    // Leases below a revoked token go away some time after it did, so one look is not enough.
    await this.untilGone(
      vaultLeaseId === undefined
        ? () => this.source.lookUpAccessor(accessor)
        : () => this.source.lookUpLease(vaultLeaseId, lookWithinMs),
    );
    crashPoint('lease.revoke.proved');
    return vaultLeaseId === undefined ? 'accessor_gone' : 'lease_gone+accessor_revoked';
  }

  // After its claim a lease may be somebody else's to revoke.
  private refuseLate(deadlineMs: number): void {
    if (this.clock.monotonicMs() < deadlineMs) return;
    throw new BrokerError('vault_unavailable', {
      detail: 'Vault took longer than the revocation was claimed for',
    });
  }

  private async untilGone(look: () => Promise<Presence>): Promise<void> {
    const deadlineMs = this.clock.monotonicMs() + PROOF_WITHIN_MS;
    let waitMs = FIRST_LOOK_AFTER_MS;
    for (;;) {
      if ((await look()) === 'gone') return;
      if (this.clock.monotonicMs() + waitMs > deadlineMs) {
        throw new BrokerError('vault_refused', {
          detail: 'Vault took the revocation and still knows the lease',
        });
      }
      await pause(waitMs);
      waitMs = Math.min(waitMs * 2, LONGEST_PAUSE_MS);
    }
  }
}
