import type { Progress } from './job.js';

/** A run that took longer than its job allows. */
export class RunTooLong extends Error {
  override readonly name = 'RunTooLong';
}

/**
 * Begins a run and waits for it, but at most `longestMs` from the start or from its last sign of progress: then calls
 * `late` and fails with {@link RunTooLong}, whatever becomes of the run. A run that waits for something that never comes
 * would else keep its job, since its process is alive and extends the claim.
 */
export async function withinLimit<T>(
  begin: (progress: Progress) => Promise<T>,
  longestMs: number,
  late: (error: RunTooLong) => void,
): Promise<T> {
  let giveUp: (error: RunTooLong) => void = () => undefined;
  const limit = new Promise<never>((_, reject) => (giveUp = reject));
  const timer = setTimeout(() => {
    const error = new RunTooLong(`it got no further in ${longestMs} ms`);
    late(error);
    giveUp(error);
  }, longestMs);
  let over = false;
  try {
    // Refreshed after the end, a timer would run again.
    return await Promise.race([begin(() => void (over || timer.refresh())), limit]);
  } finally {
    over = true;
    clearTimeout(timer);
  }
}
