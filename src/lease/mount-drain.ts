import type { ClaimQueue } from './claim-queue.js';
import type { MountLane } from './mount-lanes.js';
import type { RevocationAttempts } from './revocation-attempts.js';
import type { ClaimedLease } from './revocation-claims.js';

/** What a drain needs of its surroundings. */
export interface DrainParts {
  readonly lane: MountLane;
  readonly queue: ClaimQueue;
  readonly attempts: RevocationAttempts;
  /** Whether a claim is too old to begin with; its lease is given back. */
  tooOld(claimed: ClaimedLease): boolean;
  giveBack(claimed: readonly ClaimedLease[]): Promise<void>;
  stopping(): boolean;
}

/**
 * Works through what is due at one mount until nothing is, its breaker opens or the process stops; answers how many
 * leases ended. While the target works on one lease, the proof of the one before is had from Vault: so the target is
 * never idle, and never has more at once than its lane allows. Throws when the database fails, after what was begun.
 */
export async function drainMount(parts: DrainParts): Promise<number> {
  const { lane, queue, attempts } = parts;
  const records: Promise<boolean>[] = [];
  const one = async (): Promise<boolean> => {
    const begun = await lane.limit(async () => {
      const claimed = await next(parts);
      return claimed && { claimed, toProve: await attempts.atTarget(claimed, lane) };
    });
    if (begun?.toProve === true) {
      const proved = await attempts.prove(begun.claimed, lane);
      if (proved !== undefined) {
        // Looked at below, with all the others; until then a rejection must not count as one that nobody handles.
        proved.recorded.catch(() => undefined);
        records.push(proved.recorded);
      }
    }
    return begun !== undefined;
  };
  const worker = async (): Promise<void> => {
    while (await one());
  };
  // Half open, one probe goes by itself; the others begin when it has shown that the target is back.
  const probed = lane.breaker.halfOpen ? [one().then((): void => undefined)] : [];
  const workers = await Promise.allSettled(probed);
  if (!lane.breaker.open) {
    // All of them, also when one fails: nobody else would wait for those that are still in the middle of a lease.
    workers.push(...(await Promise.allSettled(Array.from({ length: 2 * lane.concurrency }, worker))));
  }
  const recorded = await Promise.allSettled(records);
  await parts.giveBack(await queue.rest());
  const failed = [...workers, ...recorded].find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return recorded.filter((outcome) => outcome.status === 'fulfilled' && outcome.value).length;
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
