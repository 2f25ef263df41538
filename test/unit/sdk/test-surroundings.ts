import type { Surroundings } from '../../../src/sdk/surroundings.js';

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** A machine whose time stands still until a test moves it; waiting takes no time and is noted. */
export class TestSurroundings implements Surroundings {
  readonly waits: number[] = [];
  readonly fetch: typeof fetch = (input, init) => fetch(input, init);
  share = 0.5;
  #nowMs = Date.parse('2026-11-21T12:00:00Z');
  readonly #timers = new Set<Timer>();

  nowMs(): number {
    return this.#nowMs;
  }

  fraction(): number {
    return this.share;
  }

  async wait(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.waits.push(ms);
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + ms, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  get timers(): number {
    return this.#timers.size;
  }

  /** Moves time, calling back on the way whatever is due, in order. */
  async advanceMs(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.callback();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#nowMs = endMs;
  }
}
