import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../kernel/clock.js';

/** Keeps turns apart, so that no more than so many begin in a second; what was not used is not saved up. */
export class Pace {
  readonly #gapMs: number;
  #nextMs = Number.NEGATIVE_INFINITY;

  /** No limit when `perSecond` is undefined. */
  constructor(
    private readonly clock: Clock,
    perSecond: number | undefined,
    private readonly wait: (ms: number) => Promise<unknown> = (ms) => pause(ms),
  ) {
    this.#gapMs = perSecond === undefined ? 0 : 1000 / perSecond;
  }

  /** Resolves when it is this caller's turn; turns are in order of the calls. */
  async turn(): Promise<void> {
    if (this.#gapMs === 0) return;
    const nowMs = this.clock.monotonicMs();
    const atMs = Math.max(nowMs, this.#nextMs);
    this.#nextMs = atMs + this.#gapMs;
    if (atMs > nowMs) await this.wait(atMs - nowMs);
  }
}
