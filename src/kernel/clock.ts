/** Where all time comes from, so that tests decide what time it is. */
export abstract class Clock {
  /** Wall-clock time. */
  abstract now(): Date;

  /** Milliseconds of a clock that never goes back; only differences mean anything. */
  abstract monotonicMs(): number;
}

/** The machine's clock. */
export class SystemClock extends Clock {
  now(): Date {
    return new Date();
  }

  monotonicMs(): number {
    return performance.now();
  }
}

/** A clock that a test sets and moves. */
export class ManualClock extends Clock {
  #nowMs: number;

  constructor(start: Date) {
    super();
    this.#nowMs = start.getTime();
  }

  now(): Date {
    return new Date(this.#nowMs);
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  /** Moves the clock forward (or, for skew tests, back). */
  advanceMs(ms: number): void {
    this.#nowMs += ms;
  }
}

/** Seconds since the epoch, as in JWT `NumericDate` (RFC 7519 §2). */
export function epochSeconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}

/** A date that many seconds later. */
export function addSeconds(date: Date, seconds: number): Date {
  return new Date(date.getTime() + seconds * 1000);
}
