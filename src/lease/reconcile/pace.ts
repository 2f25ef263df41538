import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../../kernel/clock.js';

/** Keeps one run of reconciliation below a rate of calls to Vault. */
export class Pace {
  readonly #gapMs: number;
  #nextMs = 0;

  /**
   * @param perSecond calls a second, above zero
   * @param progress called before each
   */
  constructor(
    private readonly clock: Clock,
    perSecond: number,
    private readonly signal: AbortSignal,
    private readonly progress: () => void = () => undefined,
  ) {
    this.#gapMs = 1_000 / perSecond;
  }

  /** Waits until the next call may go out. Throws the signal's reason when the run is to end. */
  async turn(): Promise<void> {
    this.signal.throwIfAborted();
    this.progress();
    const nowMs = this.clock.monotonicMs();
    const atMs = Math.max(nowMs, this.#nextMs);
    this.#nextMs = atMs + this.#gapMs;
    // Timers are no finer than a millisecond: short gaps add up and are waited for together.
    if (atMs - nowMs >= 1) await pause(atMs - nowMs, undefined, { signal: this.signal });
  }
}
