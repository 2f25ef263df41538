/** A run that took longer than its job allows. */
export class RunTooLong extends Error {
  override readonly name = 'RunTooLong';
}

/**
 * Waits for a run, but at most `longestMs`, where that is given: then calls `late` and fails with {@link RunTooLong},
 * whatever becomes of the run. A run that waits for something that never comes would else keep its job, since its
 * process is alive and extends the claim.
 */
export async function withinLimit<T>(
  run: Promise<T>,
  longestMs: number | undefined,
  late: (error: RunTooLong) => void,
): Promise<T> {
  if (longestMs === undefined) return run;
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new RunTooLong(`it did not end in ${longestMs} ms`);
      late(error);
      reject(error);
    }, longestMs);
  });
  try {
    return await Promise.race([run, limit]);
  } finally {
    clearTimeout(timer);
  }
}
