import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../audit/audit-inbox.js';
import type { EventContext } from '../audit/event.js';
import type { EventData, EventKind } from '../audit/catalogue.js';
import type { RevokeCause } from '../audit/revoke-cause.js';
import type { Tx } from '../database/transaction.js';
import type { Caller } from '../kernel/caller.js';
import { Clock } from '../kernel/clock.js';
import { Ids } from '../kernel/ids.js';
import type { Lease } from './lease.js';
import { NOT_HELD } from './hold.js';
import { LEASE_COLUMNS, LEASE_JOINS, leaseOf, subjectOf } from './lease-row.js';
import { conditionOf, type LeaseSelector } from './lease-selector.js';
import {
  CLAIMED_COLUMNS,
  claimedLeaseOf,
  type Claim,
  type ClaimedLease,
  type ClaimedRow,
} from './revocation-claims.js';

interface MarkedRow extends ClaimedRow {
  readonly claimed_by: string | null;
}

/** Why leases have to end and who says so. */
export interface RevocationOrder {
  readonly cause: RevokeCause;
  readonly caller: Caller;
  /** What the admin wrote. */
  readonly reason?: string | undefined;
}

/**
 * Marks leases for revocation, inside somebody's transaction. From its commit on they cannot be renewed or become
 * active, and a revoker will have them killed in Vault, whatever happens to this process.
 */
@Injectable()
export class RevocationRequests {
  constructor(
    private readonly audit: AuditInbox,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Marks all live leases of a selector; answers those that it marked. Those that are ending already stay as they are. */
  async request(tx: Tx, selector: LeaseSelector, order: RevocationOrder): Promise<readonly Lease[]> {
    return (await this.markAll(tx, selector, order)).map(leaseOf);
  }

  /**
   * As {@link request}, and claims them in the same breath, so that they can be revoked as soon as this is committed;
   * answers how many it marked, and the claims: none while revocation is held.
   */
  async requestClaimed(
    tx: Tx,
    selector: LeaseSelector,
    order: RevocationOrder,
    claim: Claim,
  ): Promise<{ readonly marked: number; readonly claimed: readonly ClaimedLease[] }> {
    const rows = await this.markAll(tx, selector, order, claim);
    const claimed = rows.filter((row) => row.claimed_by === claim.claim);
    return { marked: rows.length, claimed: claimed.map((row) => claimedLeaseOf(row, claim)) };
  }

  private async markAll(
    tx: Tx,
    selector: LeaseSelector,
    order: RevocationOrder,
    claim?: Claim,
  ): Promise<readonly MarkedRow[]> {
    const { sql, value } = conditionOf(selector, '$5');
    // Locked in the order of their ids: two of these that overlap (a run that closes while its grant is revoked)
    // would otherwise each wait for the other.
    const rows = await this.mark(
      tx,
      `SELECT l.id FROM leases l WHERE l.state IN ('issuing', 'active') AND ${sql} ORDER BY l.id FOR UPDATE`,
      { cause: order.cause, value, claim },
    );
    const marked = rows.map(leaseOf);
    await this.recordAll(tx, 'lease.revocation_requested', marked, order.caller, (lease) => ({
      cause: order.cause,
      revocable: lease.revocable,
      reason: order.reason,
    }));
    return rows;
  }

  /** Marks at most `limit` active leases whose time is up; rows that somebody else holds are left for the next time. */
  async requestExpired(tx: Tx, limit: number, caller: Caller): Promise<readonly Lease[]> {
    const rows = await this.mark(
      tx,
      `SELECT l.id FROM leases l WHERE l.state = 'active' AND l.expires_at <= $2
       ORDER BY l.expires_at LIMIT $5 FOR UPDATE SKIP LOCKED`,
      { cause: 'expiry', value: limit },
    );
    const marked = rows.map(leaseOf);
    await this.recordAll(tx, 'lease.revocation_requested', marked, caller, (lease) => ({
      cause: 'expiry',
      revocable: lease.revocable,
    }));
    return marked;
  }

  /** Records one event a lease, in one statement. */
  async recordAll<K extends EventKind>(
    tx: Tx,
    kind: K,
    leases: readonly Lease[],
    caller: Caller,
    dataOf: (lease: Lease) => EventData<K>,
  ): Promise<void> {
    if (leases.length === 0) return;
    const events = leases.map((lease) => {
      const id = this.ids.uuid();
      const context: EventContext = { caller, ...subjectOf(lease) };
      return { id, leaf: this.audit.leaf(id, kind, context, dataOf(lease)) };
    });
    await tx.query('INSERT INTO audit_inbox (event_id, leaf) SELECT * FROM unnest($1::uuid[], $2::bytea[])', [
      events.map(({ id }) => id),
      events.map(({ leaf }) => leaf),
    ]);
  }

  private async mark(
    tx: Tx,
    due: string,
    {
      cause,
      value,
      claim,
    }: { readonly cause: RevokeCause; readonly value: unknown; readonly claim?: Claim | undefined },
  ): Promise<readonly MarkedRow[]> {
    return tx.query<MarkedRow[]>(
      `WITH due AS (${due}), marked AS (
         UPDATE leases l SET state = 'revoking', revoke_cause = $1::text, revoke_requested_at = $2::timestamptz,
           next_attempt_at = $2::timestamptz,
           claimed_by = CASE WHEN ${NOT_HELD} THEN $3::text END,
           claimed_until = CASE WHEN ${NOT_HELD} THEN $4::timestamptz END
         FROM due WHERE l.id = due.id RETURNING l.*)
       SELECT ${LEASE_COLUMNS}, ${CLAIMED_COLUMNS}, l.claimed_by FROM marked l ${LEASE_JOINS}`,
      [cause, this.clock.now(), claim?.claim ?? null, claim?.until ?? null, value],
    );
  }
}
