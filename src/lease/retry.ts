import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../audit/audit-inbox.js';
import { Transactions } from '../database/transaction.js';
import { BrokerError } from '../kernel/broker-error.js';
import type { Caller } from '../kernel/caller.js';
import { Settings } from '../settings/schema.js';
import { hasEnded, type Lease } from './lease.js';
import { subjectOf } from './lease-row.js';
import { Leases } from './leases.js';
import { RevocationClaims } from './revocation-claims.js';
import { Revoker } from './revoker.js';

/** Tries the revocation of a lease again when somebody asks, whatever its back-off and its mount's breaker say. */
@Injectable()
export class LeaseRetry {
  constructor(
    private readonly leases: Leases,
    private readonly claims: RevocationClaims,
    private readonly revoker: Revoker,
    private readonly transactions: Transactions,
    private readonly audit: AuditInbox,
    private readonly settings: Settings,
  ) {}

  /**
   * Tries now and waits up to `leases.revokeWaitMs`; the answer says how it went. One that is proved dead is answered
   * as it is. Refuses with `not_found`, and with `state_transition_refused` a lease that nobody has revoked.
   */
  async retry(caller: Caller, leaseId: string, reason?: string): Promise<Lease> {
    const lease = await this.leases.get(leaseId);
    if (hasEnded(lease.state) && lease.state !== 'forgotten') return lease;
    await this.transactions.run(async (tx) => {
      if (!(await this.claims.bringForward(tx, [leaseId]))) {
        throw new BrokerError('state_transition_refused', {
          detail: `the lease is ${lease.state}; only a revocation that is not proved yet is tried again`,
        });
      }
      await this.audit.append(
        tx,
        'lease.retry_requested',
        { caller, ...subjectOf(lease) },
        { attempts: lease.attempts, reason },
      );
    });
    await this.revoker.tryNow(leaseId, this.settings.values.leases.revokeWaitMs);
    return this.leases.get(leaseId);
  }
}
