import type { Clock } from '../kernel/clock.js';

/** A budget that refills evenly: `capacity` at once, `capacity` per `refillMs` in the long run. */
export class TokenBucket {
  #level: number;
  #seenAtMs: number;

  constructor(
    private readonly capacity: number,
    private readonly refillMs: number,
    private readonly clock: Clock,
  ) {
    this.#level = capacity;
    this.#seenAtMs = clock.monotonicMs();
  }

  /** Takes one, or answers false and leaves the level as it is. */
  take(): boolean {
    const nowMs = this.clock.monotonicMs();
    const gained = ((nowMs - this.#seenAtMs) * this.capacity) / this.refillMs;
    this.#level = Math.min(this.capacity, this.#level + gained);
    this.#seenAtMs = nowMs;
    if (this.#level < 1) return false;
    this.#level -= 1;
    return true;
  }

  /** Milliseconds until there is one to take again. */
  get waitMs(): number {
    return Math.max(0, ((1 - this.#level) * this.refillMs) / this.capacity);
  }
}
