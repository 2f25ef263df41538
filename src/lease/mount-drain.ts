import type { Clock } from '../kernel/clock.js';
import type { ClaimQueue } from './claim-queue.js';
import { HeldBack } from './held-back.js';
import type { MountLane } from './mount-lanes.js';
import type { RevocationAttempts } from './revocation-attempts.js';
import type { ClaimedLease } from './revocation-claims.js';

/** Proofs wait while the target has more to do, but neither for long nor many of them: their claims run out. */
const LONGEST_WAIT_MS = 500;
const MOST_WAITING = 256;
/** Proofs under way, for each place of the target: most wait for their turn at Vault, and are then looked for together. */
const PROOFS_PER_PLACE = 32;

/** How long the looks for the last leases may be put off, to be one with others. */
const LAST_LOOK_WITHIN_MS = 10;

/** What a drain needs of its surroundings. */
export interface DrainParts {
  readonly lane: MountLane;
  readonly queue: ClaimQueue;
  readonly attempts: RevocationAttempts;
  readonly clock: Clock;
  /** Milliseconds that a claim holds. */
  readonly holdsMs: number;
  /** How long the look for a lease may be put off, so that it is one with others, while there is more to do. */
  readonly lookWithinMs: number;
  /** Whether a claim is too old to begin with; its lease is given back. */
  tooOld(claimed: ClaimedLease): boolean;
  giveBack(claimed: readonly ClaimedLease[]): Promise<void>;
  stopping(): boolean;
}

/**
 * Works through what is due at one mount until nothing is, its breaker opens or the process stops; answers how many
 * leases ended. What makes a lease worthless goes first: the proofs are had from Vault when the target has no more to
 * do, or after a moment. So the target is never idle, and never has more at once than its lane allows. Throws when the
 * database fails, after what was begun.
 */
export async function drainMount(parts: DrainParts): Promise<number> {
  const { lane, queue, attempts } = parts;
  const records: Promise<boolean>[] = [];
  const toProve = new HeldBack<ClaimedLease>(parts.clock, {
    waitMs: Math.min(LONGEST_WAIT_MS, parts.holdsMs / 8),
    most: MOST_WAITING,
  });
  let lookWithinMs = parts.lookWithinMs;
  const prove = async (claimed: ClaimedLease): Promise<void> => {
    const proof = await attempts.prove(claimed, lane, lookWithinMs);
    if (proof === undefined) return;
    // Looked at in the end, with all the others; until then a rejection must not end the process as unhandled.
    proof.recorded.catch(() => undefined);
    records.push(proof.recorded);
  };
  const atTarget = async (): Promise<boolean> => {
    const begun = await lane.limit(async () => {
      const claimed = await next(parts);
      return claimed && { claimed, ended: await attempts.atTarget(claimed, lane) };
    });
    if (begun?.ended === true) toProve.add(begun.claimed);
    return begun !== undefined;
  };
  const proved = async (): Promise<boolean> => {
    const claimed = await toProve.take();
    if (claimed !== undefined) await prove(claimed);
    return claimed !== undefined;
  };
  // All of them, also when one fails: nobody else would wait for those that are still in the middle of a lease.
  const all = (work: () => Promise<boolean>, places: number): Promise<PromiseSettledResult<void>[]> =>
    Promise.allSettled(Array.from({ length: places }, () => repeated(work)));
  const provers = all(proved, lane.concurrency * PROOFS_PER_PLACE);
  // Half open, one probe goes by itself; the others begin when it has shown that the target is back.
  const workers: PromiseSettledResult<void>[] = lane.breaker.halfOpen
    ? await Promise.allSettled([probe()])
    : [];
  if (!lane.breaker.open) workers.push(...(await all(atTarget, lane.concurrency)));
  // Nothing is saved by looking later now: there will not be more of them.
  lookWithinMs = Math.min(lookWithinMs, LAST_LOOK_WITHIN_MS);
  toProve.release();
  workers.push(...(await provers));
  const recorded = await Promise.allSettled(records);
  await parts.giveBack(await queue.rest());
  const failed = [...workers, ...recorded].find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return recorded.filter((outcome) => outcome.status === 'fulfilled' && outcome.value).length;

  async function probe(): Promise<void> {
    const claimed = await lane.limit(() => next(parts));
    if (claimed !== undefined && (await attempts.atTarget(claimed, lane))) await prove(claimed);
  }
}

async function repeated(work: () => Promise<boolean>): Promise<void> {
  while (await work());
}

async function next(parts: DrainParts): Promise<ClaimedLease | undefined> {
  const { lane, queue } = parts;
  for (;;) {
    if (parts.stopping() || lane.breaker.open) return undefined;
    const claimed = await queue.take();
    if (claimed === undefined) return undefined;
    await lane.pace.turn();
    if (parts.tooOld(claimed)) {
      await parts.giveBack([claimed]);
    } else if (parts.stopping() || !lane.breaker.admits()) {
      queue.putBack(claimed);
      return undefined;
    } else {
      return claimed;
    }
  }
}
