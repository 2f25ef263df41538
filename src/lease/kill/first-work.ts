import type { RevocationOrder } from '../revocation-requests.js';
import type { ClaimedLease } from '../revocation-claims.js';
import type { LiveLease } from './revocation-rows.js';

/**
 * So many leases are marked and claimed by the act itself: what keeps a target busy while the others are marked. Each
 * costs the act a tenth of a millisecond and more, and nothing is revoked before its commit.
 */
const FIRST = 16;

/** What a revocation begins with, as soon as the act that opened it is committed. */
export class FirstWork {
  constructor(
    /** Marked and claimed by the act. */
    readonly claimed: readonly ClaimedLease[],
    /** Ids of active leases that are marked right behind it. */
    readonly behind: readonly string[],
    readonly order: RevocationOrder,
    /** Whether there is nothing else: no lease that was ending before, or that may not be revoked now. */
    readonly whole: boolean,
  ) {}
}

/**
 * Parts what is live into what the act marks, and active leases that can be marked right behind it. What is being
 * issued is always the act's: from its commit on it cannot become active.
 */
export function partedForStart(live: readonly LiveLease[]): {
  readonly first: readonly string[];
  readonly behind: readonly string[];
} {
  const active = live.filter(({ state }) => state === 'active');
  const others = live.filter(({ state }) => state !== 'active');
  const marked = Math.max(0, FIRST - others.length);
  const ids = (leases: readonly LiveLease[]): string[] => leases.map(({ id }) => id);
  return { first: ids([...others, ...active.slice(0, marked)]), behind: ids(active.slice(marked)) };
}
