import type { Clock } from '../kernel/clock.js';

/** When a breaker opens and for how long. */
export interface BreakerLimits {
  /** Failures in a row that open it. */
  readonly failures: number;
  /** Milliseconds until one probe is let through. */
  readonly openMs: number;
}

/**
 * Keeps work away from something that fails every time, so that it does not hold up the rest.
 *
 *   closed ──(failures in a row)──► open ──(time)──► half-open: one probe ──► closed | open
 *
 * Every {@link admits} that says yes is followed by {@link succeeded} or {@link failed}.
 */
export class CircuitBreaker {
  #failures = 0;
  #openUntilMs: number | undefined;
  #probing = false;

  constructor(
    private readonly clock: Clock,
    private readonly limits: BreakerLimits,
  ) {}

  /** Whether nothing would be let through right now; asks without taking the probe. */
  get open(): boolean {
    return this.#openUntilMs !== undefined && (this.#probing || this.clock.monotonicMs() < this.#openUntilMs);
  }

  /** Whether exactly one probe would be let through right now. */
  get halfOpen(): boolean {
    return this.#openUntilMs !== undefined && !this.open;
  }

  /** Takes a place for one piece of work; when half open, the only one. */
  admits(): boolean {
    if (this.open) return false;
    if (this.#openUntilMs !== undefined) this.#probing = true;
    return true;
  }

  /** The work reached its target. */
  succeeded(): void {
    this.#failures = 0;
    this.#openUntilMs = undefined;
    this.#probing = false;
  }

  /** The work failed in a way that says that the target is down. */
  failed(): void {
    this.#failures += 1;
    this.#probing = false;
    if (this.#failures >= this.limits.failures) {
      this.#openUntilMs = this.clock.monotonicMs() + this.limits.openMs;
    }
  }
}
