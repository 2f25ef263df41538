import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/** What the client takes from the machine it runs on; tests put their own in its place. */
export interface Surroundings {
  /** Wall-clock time in milliseconds since the epoch. */
  nowMs(): number;
  /** A fraction in [0, 1) for jitter. */
  fraction(): number;
  /** Waits; rejects with the signal's reason when it aborts first. */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back once after that time unless cancelled; never keeps the process alive. */
  after(ms: number, callback: () => void): () => void;
  /** The built-in `fetch`. */
  readonly fetch: typeof fetch;
}

const FRACTION_STEPS = 2 ** 32;
// A longer delay makes `setTimeout` fire at once.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The machine itself. */
export const machine: Surroundings = {
  // eslint-disable-next-line no-restricted-syntax -- the SDK stands alone and imports no kernel; this is its clock
  nowMs: () => Date.now(),
  fraction: () => randomInt(FRACTION_STEPS) / FRACTION_STEPS,
  async wait(ms, signal) {
    signal?.throwIfAborted();
    try {
      await sleep(ms, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
  after(ms, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(ms, 0), LONGEST_TIMER_MS));
    timer.unref();
    return () => clearTimeout(timer);
  },
  fetch: (input, init) => fetch(input, init),
};
