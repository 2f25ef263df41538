/** A wait that can be called off. */
export interface Timer {
  cancel(): void;
}

/** Where the session's background work gets its waits from, so that tests decide when they end. */
export abstract class Timers {
  /** Calls back once after that long; never keeps the process alive. */
  abstract after(ms: number, callback: () => void): Timer;
}

// setTimeout takes 32 bits and fires at once beyond them.
const LONGEST_MS = 2_147_483_647;

/** The runtime's timers. */
export class SystemTimers extends Timers {
  after(ms: number, callback: () => void): Timer {
    const handle = setTimeout(callback, Math.min(ms, LONGEST_MS));
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  }
}
