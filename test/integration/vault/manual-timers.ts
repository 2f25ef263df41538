import { Timers, type Timer } from '../../../src/vault/timers.js';

/** Timers that end when a test says so. */
export class ManualTimers extends Timers {
  #pending: { ms: number; callback: () => void } | undefined;

  after(ms: number, callback: () => void): Timer {
    const entry = { ms, callback };
    this.#pending = entry;
    return {
      cancel: () => {
        if (this.#pending === entry) this.#pending = undefined;
      },
    };
  }

  /** How long the wait under way is; undefined when there is none. */
  get pendingMs(): number | undefined {
    return this.#pending?.ms;
  }

  /** Ends the wait under way. */
  fire(): void {
    const entry = this.#pending;
    if (entry === undefined) throw new Error('no wait is under way');
    this.#pending = undefined;
    entry.callback();
  }
}
