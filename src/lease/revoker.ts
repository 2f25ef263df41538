import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { Clock } from '../kernel/clock.js';
import { Log } from '../kernel/log.js';
import { safeErrorFields } from '../kernel/safe-error.js';
import { Urgency } from '../kernel/urgency.js';
import { ClaimQueue } from './claim-queue.js';
import type { LeaseSelector } from './lease-selector.js';
import { drainMount } from './mount-drain.js';
import { MountLanes } from './mount-lanes.js';
import { RevocationAttempts } from './revocation-attempts.js';
import { RevocationClaims, type ClaimedLease } from './revocation-claims.js';

const FIRST_POLL_MS = 20;
const LONGEST_POLL_MS = 200;
/** How long the looks for leases may be put off, so that they are one with others: in a sweep, and where somebody waits. */
const LOOK_WITHIN_MS = { sweep: 500, act: 10 } as const;
/** Fewer are over before it would matter that other work gives way, and are looked for at once. */
const MANY = 10;

/**
 * Revokes leases: claims them, calls Vault outside any transaction, records the proof or the failure, and never gives
 * one up. Each mount has a lane of its own, so a dead target holds up nobody else.
 */
@Injectable()
export class Revoker implements BeforeApplicationShutdown {
  readonly #sweeps = new Map<string, Promise<number>>();
  readonly #background = new Set<Promise<unknown>>();
  /** What was started for a revocation, by its id: two at once would do each other's proofs while the target has work. */
  readonly #started = new Map<string, Promise<unknown>>();
  #stopping = false;

  constructor(
    private readonly claims: RevocationClaims,
    private readonly attempts: RevocationAttempts,
    private readonly lanes: MountLanes,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly urgency: Urgency,
  ) {}

  /**
   * Revokes what is due, at most `limit` a mount; answers how many leases ended. With `waitMs` it comes back by then
   * while slow mounts go on behind it; a mount that is still being worked on is not started again.
   */
  async revokeDue(limit: number, waitMs?: number): Promise<number> {
    let ended = 0;
    const mounts = await this.claims.dueMounts(undefined);
    const sweeps = mounts.map((mount) => {
      const sweep = this.#sweeps.get(mount) ?? this.sweep(mount, limit);
      return sweep.then((count) => (ended += count));
    });
    await settled(Promise.all(sweeps), waitMs);
    return ended;
  }

  /**
   * Revokes the leases of a selector that are marked for it, now, and waits at most `waitMs` for the proofs; what is
   * outstanding then goes on behind it. Waits as well for those that another replica is at work on. While revocation
   * is held, only leases that are named are revoked.
   */
  async revokeNow(
    selector: LeaseSelector,
    waitMs: number,
  ): Promise<{ readonly proved: number; readonly outstanding: number }> {
    const deadlineMs = this.clock.monotonicMs() + waitMs;
    const leaseIds = await this.claims.concerned(selector);
    await settled(this.startedOf(selector) ?? this.drainAll(selector), waitMs);
    let tally = await this.claims.tally(leaseIds);
    for (let waited = FIRST_POLL_MS; tally.claimed > 0 && !this.#stopping; waited *= 1.5) {
      const leftMs = deadlineMs - this.clock.monotonicMs();
      if (leftMs <= 0) break;
      await pause(Math.min(waited, LONGEST_POLL_MS, leftMs));
      tally = await this.claims.tally(leaseIds);
    }
    return { proved: tally.proved, outstanding: tally.outstanding };
  }

  /** Starts the revocations of a selector and does not wait; what fails is left to the scheduler. */
  start(selector: LeaseSelector): void {
    const drained = this.drainAll(selector);
    if ('revocationId' in selector) this.remember(selector.revocationId, drained);
  }

  /**
   * Starts what was claimed when it was marked, and goes on with `more`, which is being marked and claimed meanwhile;
   * otherwise as {@link start}.
   */
  startClaimed(
    revocationId: string,
    claimed: readonly ClaimedLease[],
    more?: Promise<readonly ClaimedLease[]>,
  ): void {
    const many = claimed.length >= MANY;
    const lookWithinMs = many ? LOOK_WITHIN_MS.act : 0;
    const begun = mountsOf(claimed);
    const atOnce = begun.map((mount) =>
      this.work(
        mount,
        ClaimQueue.of(
          at(mount, claimed),
          more?.then((rest) => at(mount, rest)),
        ),
        lookWithinMs,
      ),
    );
    const elsewhere = more?.then((rest) =>
      Promise.all(
        mountsOf(rest)
          .filter((mount) => !begun.includes(mount))
          .map((mount) => this.work(mount, ClaimQueue.of(at(mount, rest)), lookWithinMs)),
      ),
    );
    const drained = Promise.all([...atOnce, elsewhere]);
    this.inBackground(drained);
    if (many) this.urgency.until(drained);
    this.remember(revocationId, drained);
  }

  private remember(revocationId: string, work: Promise<unknown>): void {
    const before = this.#started.get(revocationId);
    const started = before === undefined ? work : Promise.all([before, work]);
    const forget = (): void => {
      if (this.#started.get(revocationId) === started) this.#started.delete(revocationId);
    };
    this.#started.set(revocationId, started);
    void started.then(forget, forget);
  }

  /** Waits, at most `waitMs`, until what was started here for a revocation is over; at once where nothing was. */
  async finished(revocationId: string, waitMs: number): Promise<void> {
    const started = this.#started.get(revocationId);
    // What it failed of is logged, and left to the scheduler.
    if (started !== undefined) await settled(Promise.allSettled([started]), waitMs);
  }

  /** Tries one lease now, also while the breaker of its mount is open, and waits at most `waitMs`. */
  async tryNow(leaseId: string, waitMs: number): Promise<void> {
    const selector = { leaseIds: [leaseId] };
    const tried = this.claims.dueMounts(selector).then(async ([mount]) => {
      const [claimed] = mount === undefined ? [] : await this.claims.claim(selector, mount, 1);
      if (claimed !== undefined) await this.attempts.whole(claimed, this.lanes.of(claimed.lease.mount));
    });
    this.inBackground(tried);
    await settled(tried, waitMs);
  }

  /** When nothing that was started here is going on any more. */
  async idle(): Promise<void> {
    while (this.#background.size > 0) await Promise.allSettled(this.#background);
  }

  /** Starts nothing new and waits for what is half done. */
  async beforeApplicationShutdown(): Promise<void> {
    this.#stopping = true;
    await this.idle();
  }

  private sweep(mount: string, limit: number): Promise<number> {
    const sweep = this.drain(undefined, mount, limit).finally(() => this.#sweeps.delete(mount));
    this.#sweeps.set(mount, sweep);
    this.inBackground(sweep);
    return sweep;
  }

  private startedOf(selector: LeaseSelector): Promise<unknown> | undefined {
    return 'revocationId' in selector ? this.#started.get(selector.revocationId) : undefined;
  }

  private drainAll(selector: LeaseSelector): Promise<unknown> {
    const drain = async (): Promise<unknown> => {
      const mounts = await this.claims.dueMounts(selector);
      return Promise.all(mounts.map((mount) => this.drain(selector, mount, Infinity)));
    };
    const drained = drain();
    this.inBackground(drained);
    return drained;
  }

  private async drain(selector: LeaseSelector | undefined, mount: string, limit: number): Promise<number> {
    const lane = this.lanes.of(mount);
    // A lot of a few places at first: the target need not wait until many are claimed.
    let lot = lane.concurrency;
    const next = (): number => {
      const size = lane.breaker.halfOpen ? 1 : Math.min(lot, lane.lot);
      lot = lane.lot;
      return size;
    };
    const queue = new ClaimQueue(
      (size) => this.claims.claim(selector, mount, size),
      next,
      Math.min(lane.concurrency, lane.lot - 1),
      limit,
    );
    return this.work(mount, queue, this.lookWithinMs(selector));
  }

  private lookWithinMs(selector: LeaseSelector | undefined): number {
    if (selector === undefined) return Math.min(LOOK_WITHIN_MS.sweep, this.claims.holdsMs / 8);
    // Leases that somebody names are few.
    return 'leaseIds' in selector ? 0 : LOOK_WITHIN_MS.act;
  }

  private work(mount: string, queue: ClaimQueue, lookWithinMs: number): Promise<number> {
    return drainMount({
      lane: this.lanes.of(mount),
      queue,
      attempts: this.attempts,
      clock: this.clock,
      holdsMs: this.claims.holdsMs,
      lookWithinMs,
      // What is begun late may still be at work when the claim ends, and somebody else begins it again.
      tooOld: ({ claimedAtMs }) => this.clock.monotonicMs() - claimedAtMs > this.claims.holdsMs / 2,
      giveBack: (claimed) => this.claims.release(claimed),
      stopping: () => this.#stopping,
    });
  }

  private inBackground(work: Promise<unknown>): void {
    const watched = work
      .catch((error: unknown) => this.log.error(safeErrorFields(error), 'revocations were interrupted'))
      .finally(() => this.#background.delete(watched));
    this.#background.add(watched);
  }
}

function mountsOf(claimed: readonly ClaimedLease[]): readonly string[] {
  return [...new Set(claimed.map(({ lease }) => lease.mount))];
}

function at(mount: string, claimed: readonly ClaimedLease[]): readonly ClaimedLease[] {
  return claimed.filter(({ lease }) => lease.mount === mount);
}

async function settled(work: Promise<unknown>, waitMs: number | undefined): Promise<void> {
  if (waitMs === undefined || waitMs === Number.POSITIVE_INFINITY) {
    await work;
    return;
  }
  const timer = new AbortController();
  // The loser of the race must not stay behind: a timer that was not cleared would keep a stopping process up.
  const timeout = pause(waitMs, undefined, { signal: timer.signal }).catch(() => undefined);
  try {
    await Promise.race([work, timeout]);
  } finally {
    timer.abort();
  }
}
