import { Injectable } from '@nestjs/common';
import { Transactions, type Tx } from '../../database/transaction.js';
import { crashPoint } from '../../kernel/crash-point.js';
import { Runs } from '../../run/runs.js';
import { RevocationClaims, type ClaimedLease } from '../revocation-claims.js';
import { RevocationRequests, type RevocationOrder } from '../revocation-requests.js';
import type { Revocation } from './revocation.js';
import { addLeases, endMarking, issuingLeases, liveLeases } from './revocation-rows.js';

/** Runs that one transaction ends: its locks are held no longer than it takes to write these. */
const RUNS_AT_ONCE = 100;
/** Leases that one transaction marks. */
const LEASES_AT_ONCE = 500;
/** Ids that one look reads: bounded memory, and few looks at what was marked before. */
const IDS_AT_ONCE = 20_000;

/**
 * Gathers the leases of a large revocation in bounded steps, each a transaction of its own: nobody waits for a lock for
 * longer than one step takes. The door is shut before, so what is gathered only gets less; each step can be repeated.
 */
@Injectable()
export class Marking {
  constructor(
    private readonly transactions: Transactions,
    private readonly runs: Runs,
    private readonly requests: RevocationRequests,
    private readonly claims: RevocationClaims,
  ) {}

  /** Ends the open runs of a blocked workload or issuer, then marks what is being issued. */
  async shut(revocation: Revocation): Promise<void> {
    const { selector, cause, caller, reason } = revocation;
    if ('issuer' in selector && (cause === 'workload_blocked' || cause === 'issuer_blocked')) {
      const subject = 'subject' in selector ? selector.subject : undefined;
      const ending = { issuer: selector.issuer, subject, cause, caller, reason: reason ?? undefined };
      let ended: number;
      do {
        ended = await this.transactions.run((tx) => this.runs.endOfWorkload(tx, ending, RUNS_AT_ONCE));
      } while (ended === RUNS_AT_ONCE);
    }
    await this.transactions.run(async (tx) => {
      const leaseIds = await issuingLeases(tx, selector);
      if (leaseIds.length === 0) return;
      await this.requests.request(tx, { leaseIds }, { cause, caller, reason: reason ?? undefined });
      await addLeases(tx, revocation.id, leaseIds);
    });
  }

  /** All of it; `onMarked` is called when a part of it can be revoked. */
  async mark(revocation: Revocation, onMarked: () => void): Promise<void> {
    await this.shut(revocation);
    const { id, selector, cause, caller, reason } = revocation;
    const order = { cause, caller, reason: reason ?? undefined };
    let after: string | undefined;
    for (;;) {
      const found = await liveLeases(this.transactions.reads, selector, after, IDS_AT_ONCE);
      for (let from = 0; from < found.length; from += LEASES_AT_ONCE) {
        const leaseIds = found.slice(from, from + LEASES_AT_ONCE).map((lease) => lease.id);
        await this.lot(async (tx) => {
          await this.requests.request(tx, { leaseIds }, order);
          await addLeases(tx, id, leaseIds);
        });
        if (from === 0) onMarked();
      }
      after = found.at(-1)?.id;
      if (found.length < IDS_AT_ONCE) break;
    }
    await endMarking(this.transactions.reads, id);
  }

  /**
   * Marks and claims the last leases of a revocation, those that are still active; answers the claims. Does nothing when
   * somebody else has gathered them meanwhile.
   */
  markBehind(
    revocationId: string,
    leaseIds: readonly string[],
    order: RevocationOrder,
  ): Promise<readonly ClaimedLease[]> {
    return this.lot(async (tx) => {
      if (!(await endMarking(tx, revocationId))) return [];
      const { claimed } = await this.requests.requestClaimed(tx, { leaseIds }, order, this.claims.newClaim());
      await addLeases(tx, revocationId, leaseIds);
      return claimed;
    });
  }

  private async lot<T>(mark: (tx: Tx) => Promise<T>): Promise<T> {
    const marked = await this.transactions.run(mark);
    crashPoint('revocation.marked');
    return marked;
  }
}
