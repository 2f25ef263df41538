import type { Clock } from '../kernel/clock.js';
import type { Claim, JobClaims } from './job-claims.js';

/**
 * Extends a claim three times per claim length while a job runs. Calls `lost` once, when another replica holds the job
 * or when the database has not answered for so long that another may. The answer ends it.
 */
export function keepClaim(claims: JobClaims, claim: Claim, clock: Clock, lost: () => void): () => void {
  let extendedMs = clock.monotonicMs();
  let ended = false;
  const end = (): void => {
    ended = true;
    clearInterval(timer);
  };
  const lose = (): void => {
    if (ended) return;
    end();
    lost();
  };
  const beat = async (): Promise<void> => {
    const sentMs = clock.monotonicMs();
    try {
      if (await claims.extend(claim)) extendedMs = sentMs;
      else lose();
    } catch {
      // Counted from when the last good one was sent: the deadline may run from then on.
      if (clock.monotonicMs() - extendedMs >= claims.claimMs) lose();
    }
  };
  const timer = setInterval(() => void beat(), claims.claimMs / 3);
  return end;
}
