import { Injectable } from '@nestjs/common';
import { Transactions } from '../database/transaction.js';
import { BrokerError } from '../kernel/broker-error.js';
import type { Caller } from '../kernel/caller.js';
import { crashPoint } from '../kernel/crash-point.js';
import { Settings } from '../settings/schema.js';
import type { LeaseDecision } from './lease-decision.js';
import type { EarlierLease } from './lease-refusals.js';
import { RevocationRequests } from './revocation-requests.js';
import { Revoker } from './revoker.js';

/**
 * Ends the earlier lease of a request that is tried again with its idempotency key. The secret is stored nowhere, so
 * the answer cannot be repeated: the retry gets a credential of its own, and never beside the first.
 */
@Injectable()
export class Supersession {
  constructor(
    private readonly transactions: Transactions,
    private readonly requests: RevocationRequests,
    private readonly revoker: Revoker,
    private readonly settings: Settings,
  ) {}

  /**
   * Returns when Vault has confirmed that the earlier lease is gone. Refuses with `idempotency_key_reused` when the
   * key was used for something else, and with `lease_in_progress` while the other request is still at work or the
   * earlier lease cannot be proved gone.
   */
  async end(earlier: EarlierLease, decision: LeaseDecision, caller: Caller): Promise<void> {
    const same =
      earlier.credential === decision.credential.name &&
      earlier.stepId === decision.stepId &&
      earlier.delivery === decision.delivery;
    if (!same) throw new BrokerError('idempotency_key_reused', { field: 'Idempotency-Key' });
    if (earlier.state === 'issuing') throw new BrokerError('lease_in_progress', { retryAfterSeconds: 1 });
    const selector = { leaseIds: [earlier.id] };
    await this.transactions.run((tx) => this.requests.request(tx, selector, { cause: 'superseded', caller }));
    crashPoint('lease.supersede.marked');
    const { outstanding } = await this.revoker.revokeNow(selector, this.settings.values.leases.revokeWaitMs);
    if (outstanding > 0) {
      throw new BrokerError('lease_in_progress', {
        detail: 'the earlier lease of this idempotency key is still being revoked',
        retryAfterSeconds: 2,
      });
    }
    crashPoint('lease.supersede.proved');
  }
}
