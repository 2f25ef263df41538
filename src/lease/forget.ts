import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../audit/audit-inbox.js';
import { Transactions } from '../database/transaction.js';
import { BrokerError } from '../kernel/broker-error.js';
import type { Caller } from '../kernel/caller.js';
import { Clock } from '../kernel/clock.js';
import type { Lease } from './lease.js';
import { LEASE_COLUMNS, LEASE_JOINS, leaseOf, subjectOf, type LeaseRow } from './lease-row.js';
import { Leases } from './leases.js';

/** What the broker gave up without a proof; somebody has to look after it by hand. */
export interface MaybeAlive {
  readonly mount: string;
  /** The user at the target or the serial of the certificate; null where there is none or it was never seen. */
  readonly account: string | null;
  /** When Vault ends it by itself at the latest, if it can reach the target then. */
  readonly vaultEndsItAt: Date;
}

interface StuckRow extends LeaseRow {
  readonly account: string | null;
  readonly accessor: string;
  readonly vault_lease_id: string | null;
}

/** Gives up on leases that cannot be revoked. It proves nothing, and says so. */
@Injectable()
export class LeaseForget {
  constructor(
    private readonly transactions: Transactions,
    private readonly leases: Leases,
    private readonly audit: AuditInbox,
    private readonly clock: Clock,
  ) {}

  /**
   * Makes a stuck lease `forgotten`, with an event that says what may still be alive. Refuses with `not_found`, and
   * with `state_transition_refused` one that is not stuck: that one is revoked, or still has its chances.
   */
  async forget(
    caller: Caller,
    leaseId: string,
    reason: string,
  ): Promise<{ readonly lease: Lease; readonly maybeAlive: MaybeAlive }> {
    const { state } = await this.leases.get(leaseId);
    return this.transactions.run(async (tx) => {
      // The claim goes too: whoever is at work on it at this moment finds that its proof is not taken any more.
      const [row] = await tx.query<StuckRow[]>(
        `WITH stuck AS (
           SELECT * FROM leases WHERE id = $1 AND stuck_since IS NOT NULL AND state IN ('revoking', 'orphaned') FOR UPDATE
         ), forgotten AS (
           UPDATE leases SET state = 'forgotten', ended_at = $2, next_attempt_at = NULL, claimed_by = NULL, claimed_until = NULL
           FROM stuck WHERE leases.id = stuck.id RETURNING leases.*
         )
         SELECT ${LEASE_COLUMNS}, l.account, l.accessor, l.vault_lease_id FROM forgotten l ${LEASE_JOINS}`,
        [leaseId, this.clock.now()],
      );
      if (row === undefined) {
        throw new BrokerError('state_transition_refused', {
          detail: `only a lease whose revocation is stuck is forgotten; this one is ${state} and not stuck`,
        });
      }
      const lease = leaseOf(row);
      await this.audit.append(
        tx,
        'lease.forgotten',
        { caller, ...subjectOf(lease) },
        {
          reason,
          cause: lease.revokeCause ?? 'crashed',
          mount: lease.mount,
          revocable: lease.revocable,
          attempts: lease.attempts,
          last_error: lease.lastError ?? undefined,
          stuck_since: (lease.stuckSince ?? this.clock.now()).toISOString(),
          max_expires_at: lease.maxExpiresAt.toISOString(),
          account: row.account ?? undefined,
          vault_lease: row.vault_lease_id ?? undefined,
          accessor: row.accessor,
        },
      );
      return {
        lease,
        maybeAlive: { mount: lease.mount, account: row.account, vaultEndsItAt: lease.maxExpiresAt },
      };
    });
  }
}
