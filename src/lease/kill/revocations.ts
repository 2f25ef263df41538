import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { AuditInbox } from '../../audit/audit-inbox.js';
import type { RevokeCause } from '../../audit/revoke-cause.js';
import type { Page } from '../../database/page.js';
import { Transactions, type Tx } from '../../database/transaction.js';
import { BrokerError } from '../../kernel/broker-error.js';
import { actorName, systemCaller, type Caller } from '../../kernel/caller.js';
import { Clock } from '../../kernel/clock.js';
import { Ids, isUuid } from '../../kernel/ids.js';
import { Log } from '../../kernel/log.js';
import type { OpenedRevocation } from '../../kernel/opened-revocation.js';
import { safeErrorFields } from '../../kernel/safe-error.js';
import { RevocationClaims, type ClaimedLease } from '../revocation-claims.js';
import { RevocationRequests, type RevocationOrder } from '../revocation-requests.js';
import { Revoker } from '../revoker.js';
import { FirstWork, partedForStart } from './first-work.js';
import { Marking } from './marking.js';
import {
  sumOf,
  type KillSelector,
  type Revocation,
  type RevocationProgress,
  type RevocationState,
} from './revocation.js';
import {
  countMarkable,
  finish,
  hasten,
  insertRevocation,
  issuingLeases,
  listRevocations,
  liveLeases,
  mountProgress,
  selectRevocations,
} from './revocation-rows.js';

/** So many leases are marked in the transaction of the act itself; more are gathered behind it, step by step. */
const AT_ONCE = 500;
/**
 * So many are claimed in the statements that mark them, and begun when these are committed. More are claimed as the
 * target gets to them, by every replica: they would wait for this one.
 */
const CLAIMED_AT_ONCE = 128;
const FIRST_POLL_MS = 20;
const LONGEST_POLL_MS = 250;

/** What somebody wants dead, and why. */
export interface RevocationWish {
  readonly selector: KillSelector;
  readonly cause: RevokeCause;
  readonly caller: Caller;
  readonly reason?: string | undefined;
  /** Whether it gets events of its own. */
  readonly announced?: boolean | undefined;
  /** Whether runs have to be ended before its leases are gathered. */
  readonly runsFirst?: boolean | undefined;
}

/** Leases that are revoked together: opened with the act that ends them, watched until each end is proved. */
@Injectable()
export class Revocations implements BeforeApplicationShutdown {
  readonly #background = new Set<Promise<unknown>>();

  constructor(
    private readonly transactions: Transactions,
    private readonly requests: RevocationRequests,
    private readonly claims: RevocationClaims,
    private readonly marking: Marking,
    private readonly revoker: Revoker,
    private readonly audit: AuditInbox,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly log: Log,
  ) {}

  /**
   * Opens one inside the transaction that shuts the door on new leases, with that door's row locked. What is being
   * issued at this moment is marked here, whatever the number of the others: from the commit on none of it can become
   * active.
   */
  async open(tx: Tx, wish: RevocationWish): Promise<OpenedRevocation> {
    const { selector, cause, caller, reason } = wish;
    const order = { cause, caller, reason };
    const live = await liveLeases(tx, selector, undefined, AT_ONCE + 1);
    const whole = live.length <= AT_ONCE && wish.runsFirst !== true;
    const claimable = whole && wish.announced !== true && live.length <= CLAIMED_AT_ONCE;
    const { first, behind } = claimable
      ? partedForStart(live)
      : { first: whole ? live.map(({ id }) => id) : await issuingLeases(tx, selector), behind: [] };
    const now = this.clock.now();
    const done = whole && live.length === 0;
    const revocation: Revocation = {
      id: this.ids.uuid(),
      selector,
      cause,
      reason: reason ?? null,
      caller,
      requestedBy: actorName(caller.actor),
      requestedAt: now,
      announced: wish.announced ?? false,
      state: done ? 'done' : whole && behind.length === 0 ? 'revoking' : 'marking',
      finishedAt: done ? now : null,
    };
    const { marked, claimed } = await this.mark(tx, first, order, claimable);
    await insertRevocation(tx, revocation, first);
    const leases = marked + (whole ? behind.length : await countMarkable(tx, selector));
    if (revocation.announced) await this.announce(tx, revocation, leases);
    if (done && revocation.announced) await this.announceEnd(tx, revocation, [], now);
    const all = claimed.length + behind.length === live.length;
    const firstWork = claimable || done ? new FirstWork(claimed, behind, order, all) : undefined;
    return { revocationId: revocation.id, leases, firstWork };
  }

  /** Starts what {@link open} opened, after its commit; does not wait. What fails is left to the scheduler. */
  start({ revocationId, firstWork }: Pick<OpenedRevocation, 'revocationId' | 'firstWork'>): void {
    if (!(firstWork instanceof FirstWork)) {
      this.inBackground(this.gather(revocationId));
      return;
    }
    const { claimed, behind, order, whole } = firstWork;
    const more = behind.length > 0 ? this.markBehind(revocationId, behind, order) : undefined;
    if (claimed.length > 0 || more !== undefined) this.revoker.startClaimed(revocationId, claimed, more);
    if (!whole) this.inBackground(Promise.resolve(more).then(() => this.gather(revocationId)));
  }

  /**
   * Sees a revocation on its way for at most `waitMs`, and answers how far it is; what is outstanding goes on behind
   * it. `not_found` when there is none.
   */
  async watch(revocationId: string, waitMs: number): Promise<RevocationProgress> {
    const deadlineMs = this.clock.monotonicMs() + waitMs;
    // Looks beside it would only slow it down.
    await this.revoker.finished(revocationId, waitMs);
    let progress = await this.progress(revocationId);
    const leftMs = deadlineMs - this.clock.monotonicMs();
    if (progress.revocation.state === 'revoking' && progress.outstanding <= AT_ONCE && leftMs > 0) {
      await this.revoker.revokeNow({ revocationId }, leftMs);
      progress = await this.progress(revocationId);
    }
    for (let waited = FIRST_POLL_MS; progress.revocation.state !== 'done'; waited *= 1.5) {
      const leftMs = deadlineMs - this.clock.monotonicMs();
      if (leftMs <= 0) break;
      await pause(Math.min(waited, LONGEST_POLL_MS, leftMs));
      progress = await this.progress(revocationId);
    }
    return progress;
  }

  /** How far one is; writes down its end when nothing is outstanding. `not_found` when there is none. */
  async progress(revocationId: string): Promise<RevocationProgress> {
    const { reads } = this.transactions;
    const [found] = isUuid(revocationId)
      ? await selectRevocations(reads, 'WHERE v.id = $1', [revocationId])
      : [];
    if (found === undefined) throw new BrokerError('not_found', { detail: 'no revocation of this id' });
    const { revocation, outcome } = found;
    if (outcome !== undefined) return { revocation, mounts: outcome, ...sumOf(outcome) };
    const mounts = await mountProgress(reads, revocationId);
    const counts = sumOf(mounts);
    if (revocation.state === 'marking' || counts.outstanding > 0) return { revocation, mounts, ...counts };
    await this.finish(revocation, mounts);
    // Another replica may have been quicker: what stands there is what everybody is told.
    const [done] = await selectRevocations(reads, 'WHERE v.id = $1', [revocationId]);
    return { revocation: done?.revocation ?? revocation, mounts, ...counts };
  }

  /** Revocations, newest first, each with how far it is. */
  async list(filter: {
    readonly state?: RevocationState | undefined;
    readonly limit: number;
    readonly cursor?: string | undefined;
  }): Promise<Page<RevocationProgress>> {
    const { reads } = this.transactions;
    const { items, nextCursor } = await listRevocations(reads, filter);
    const all: RevocationProgress[] = [];
    for (const { revocation, outcome } of items) {
      const mounts = outcome ?? (await mountProgress(reads, revocation.id));
      all.push({ revocation, mounts, ...sumOf(mounts) });
    }
    return { items: all, nextCursor };
  }

  /** Gathers what is live, to the end, and has it revoked; safe to repeat, and to do on two replicas at once. */
  async gather(revocationId: string): Promise<void> {
    const [found] = await selectRevocations(this.transactions.reads, 'WHERE v.id = $1', [revocationId]);
    if (found === undefined) return;
    const { revocation } = found;
    if (revocation.state === 'marking')
      await this.marking.mark(revocation, () => this.revoker.start({ revocationId }));
    if (revocation.announced) await hasten(this.transactions.reads, revocationId, this.clock.now());
    if (revocation.state !== 'done') this.revoker.start({ revocationId });
  }

  /** Ends the runs of one and marks what is being issued, so that nothing of it can become active. */
  async shut(revocationId: string): Promise<void> {
    const [found] = await selectRevocations(this.transactions.reads, 'WHERE v.id = $1', [revocationId]);
    if (found?.revocation.state === 'marking') await this.marking.shut(found.revocation);
  }

  /** When nothing that was started here is going on any more. */
  async idle(): Promise<void> {
    while (this.#background.size > 0) await Promise.allSettled(this.#background);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.idle();
  }

  private async mark(
    tx: Tx,
    leaseIds: readonly string[],
    order: RevocationOrder,
    claimable: boolean,
  ): Promise<{ readonly marked: number; readonly claimed: readonly ClaimedLease[] }> {
    if (leaseIds.length === 0) return { marked: 0, claimed: [] };
    const selector = { leaseIds };
    if (claimable) return this.requests.requestClaimed(tx, selector, order, this.claims.newClaim());
    return { marked: (await this.requests.request(tx, selector, order)).length, claimed: [] };
  }

  /** Never rejects: a revocation that is left `marking` is gathered by a job. */
  private async markBehind(
    revocationId: string,
    leaseIds: readonly string[],
    order: RevocationOrder,
  ): Promise<readonly ClaimedLease[]> {
    try {
      return await this.marking.markBehind(revocationId, leaseIds, order);
    } catch (error) {
      this.log.warn(
        { revocation_id: revocationId, ...safeErrorFields(error) },
        'leases are left to be marked',
      );
      return [];
    }
  }

  private async finish(revocation: Revocation, mounts: RevocationProgress['mounts']): Promise<void> {
    const now = this.clock.now();
    await this.transactions.run(async (tx) => {
      const first = await finish(tx, revocation.id, mounts, now);
      if (first && revocation.announced) await this.announceEnd(tx, revocation, mounts, now);
    });
  }

  private async announce(tx: Tx, revocation: Revocation, leases: number): Promise<void> {
    const { id, selector, cause, caller, reason } = revocation;
    await this.audit.append(
      tx,
      'revocation.requested',
      { caller },
      { revocation_id: id, selector: { ...selector }, cause, leases, ...(reason !== null && { reason }) },
    );
  }

  private async announceEnd(
    tx: Tx,
    { id, requestedAt }: Revocation,
    mounts: RevocationProgress['mounts'],
    now: Date,
  ): Promise<void> {
    const { leases, proved, forgotten } = sumOf(mounts);
    const seconds = Math.max(0, (now.getTime() - requestedAt.getTime()) / 1000);
    const caller = systemCaller('revoker', id);
    await this.audit.append(
      tx,
      'revocation.completed',
      { caller },
      { revocation_id: id, leases, proved, forgotten, seconds },
    );
  }

  private inBackground(work: Promise<unknown>): void {
    const watched = work
      .catch((error: unknown) => this.log.error(safeErrorFields(error), 'a revocation was interrupted'))
      .finally(() => this.#background.delete(watched));
    this.#background.add(watched);
  }
}
