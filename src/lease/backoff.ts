/** How long to wait between attempts, in milliseconds. */
export interface BackoffLimits {
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
}

// 2^30 base waits are longer than any cap; beyond it the shift would leave the range of exact integers.
const MOST_DOUBLINGS = 30;

/**
 * The wait after the `attempts`-th failed attempt (from 1): doubled each time up to the cap, and of that a part
 * between one half and all, so that what failed together does not come back together. `fraction` is in [0, 1).
 */
export function backoffMs(attempts: number, limits: BackoffLimits, fraction: number): number {
  if (!Number.isInteger(attempts) || attempts < 1) throw new RangeError('attempts are counted from 1');
  const doubled = limits.backoffBaseMs * 2 ** Math.min(attempts - 1, MOST_DOUBLINGS);
  const wait = Math.min(doubled, limits.backoffMaxMs);
  return Math.ceil(wait / 2 + (wait / 2) * fraction);
}

/** Whether this failure is told: the one that reaches the limit, and then each power of two, so it never falls silent. */
export function alertDue(attempts: number, alertAfterAttempts: number): boolean {
  if (attempts === alertAfterAttempts) return true;
  return attempts > alertAfterAttempts && Number.isInteger(Math.log2(attempts));
}
