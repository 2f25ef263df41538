import type { Clock } from './clock.js';

/** Nothing gives way for longer than this. */
const LONGEST_MS = 600;

/**
 * What comes round in this process (sequencing, jobs, checks) gives way, for a moment, to credentials being ended at
 * somebody's word: it would take the processor from just that, and can as well be done right after.
 */
export class Urgency {
  #urgent = 0;

  constructor(private readonly clock: Clock) {}

  /** Whether something is urgent now. */
  get now(): boolean {
    return this.#urgent > 0;
  }

  /** It is urgent until this settles, one way or the other. */
  until(work: Promise<unknown>): void {
    this.#urgent += 1;
    const over = (): void => void (this.#urgent -= 1);
    work.then(over, over);
  }

  /** A turn that is left out while something is urgent, unless the last one was {@link LONGEST_MS} ago. */
  givingWay(turn: () => void): () => void {
    let lastMs = this.clock.monotonicMs();
    return () => {
      const nowMs = this.clock.monotonicMs();
      if (this.now && nowMs - lastMs < LONGEST_MS) return;
      lastMs = nowMs;
      turn();
    };
  }
}
