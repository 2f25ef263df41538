import { Injectable } from '@nestjs/common';
import { Transactions } from '../database/transaction.js';
import type { RunIdentity } from '../identity/run-token.js';
import type { Caller } from '../kernel/caller.js';
import { crashPoint } from '../kernel/crash-point.js';
import { Settings } from '../settings/schema.js';
import { hasEnded, type Lease } from './lease.js';
import { Leases } from './leases.js';
import { RevocationClaims } from './revocation-claims.js';
import { RevocationRequests, type RevocationOrder } from './revocation-requests.js';
import { Revoker } from './revoker.js';

/** Ends single leases. Doing it again is fine; the answer says how far it is. */
@Injectable()
export class LeaseEnd {
  constructor(
    private readonly leases: Leases,
    private readonly requests: RevocationRequests,
    private readonly claims: RevocationClaims,
    private readonly revoker: Revoker,
    private readonly transactions: Transactions,
    private readonly settings: Settings,
  ) {}

  /**
   * A worker gives back a lease of its own run, also when the run has ended; somebody else's is `not_found`. Waits up
   * to `leases.revokeWaitMs` for the proof; a lease that is still `revoking` then is revoked by the scheduler.
   */
  async release(identity: RunIdentity, leaseId: string, caller: Caller): Promise<Lease> {
    const lease = await this.leases.ofRun(identity, leaseId);
    return this.end(lease, { cause: 'released', caller });
  }

  /** An admin ends a lease; `not_found` when there is none. Waits as {@link release} does. */
  async revoke(caller: Caller, leaseId: string, reason?: string): Promise<Lease> {
    const lease = await this.leases.get(leaseId);
    return this.end(lease, { cause: 'admin', caller, reason });
  }

  /**
   * Has leases revoked that their holder will not use any more; returns once that is on disk, and the scheduler sees it
   * through. Those that have ended are fine.
   */
  async letGo(leaseIds: readonly string[], caller: Caller): Promise<void> {
    if (leaseIds.length === 0) return;
    const selector = { leaseIds };
    await this.transactions.run((tx) => this.requests.request(tx, selector, { cause: 'released', caller }));
    this.revoker.start(selector);
  }

  private async end(lease: Lease, order: RevocationOrder): Promise<Lease> {
    if (hasEnded(lease.state)) return lease;
    const selector = { leaseIds: [lease.id] };
    const marked = await this.transactions.run((tx) => this.requests.request(tx, selector, order));
    crashPoint('lease.revoke.marked');
    // Somebody wants it gone now; what waits for its next attempt does not wait any longer.
    if (marked.length === 0)
      await this.transactions.run((tx) => this.claims.bringForward(tx, selector.leaseIds));
    await this.revoker.revokeNow(selector, this.settings.values.leases.revokeWaitMs);
    return this.leases.get(lease.id);
  }
}
