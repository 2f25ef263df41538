import { setTimeout as wait } from 'node:timers/promises';

/** How long to wait, and what to say when it was in vain. */
export interface UntilOptions {
  /** Milliseconds; 30,000 unless given: a machine that is slow or busy changes no outcome. */
  readonly deadlineMs?: number;
  /** What is waited for, for the message. */
  readonly what?: string;
}

/**
 * Waits for a condition: asks `probe` until its answer is neither undefined, null nor false, and resolves with it.
 * What it throws counts as "not yet", and is the cause of the error when the deadline passes.
 */
export async function until<T>(
  probe: () => T | Promise<T>,
  options: UntilOptions = {},
): Promise<NonNullable<T>> {
  const deadlineMs = options.deadlineMs ?? 30_000;
  const deadline = performance.now() + deadlineMs;
  let last: unknown;
  for (let pauseMs = 5; ; pauseMs = Math.min(pauseMs * 1.5, 100)) {
    try {
      const answer = await probe();
      last = answer;
      if (answer !== undefined && answer !== null && answer !== false) return answer;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) {
      const what = options.what ?? 'the condition';
      throw new Error(
        `${what} did not come about within ${deadlineMs} ms; last: ${last instanceof Error ? last.message : String(last)}`,
        { cause: last },
      );
    }
    await wait(pauseMs);
  }
}
