import { BrokerError, hasCode } from '../kernel/broker-error.js';
import type { Clock } from '../kernel/clock.js';
import type { Ids } from '../kernel/ids.js';

/** After an outage requests log in themselves, so the shared wait between their attempts is short. */
const OUTAGE_MS = 250;
const BASE_MS = 1_000;
const OUTAGE_CAP_MS = 15_000;
/** Vault locks an AppRole or user out after a few refused logins, so these are tried seldom. */
const DENIED_CAP_MS = 60_000;

/**
 * How long to leave Vault alone after failures of the session's upkeep: capped, doubled, jittered waits for the
 * background, and for requests a floor below which the last failure is the answer.
 */
export class LoginWaits {
  #failures = 0;
  #last: { error: BrokerError; untilMs: number } | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Takes note of a failure; answers how long the background is to wait, in milliseconds. */
  failed(error: unknown): number {
    this.#failures += 1;
    const denied = hasCode(error, 'vault_denied');
    const capMs = denied ? DENIED_CAP_MS : OUTAGE_CAP_MS;
    const fullMs = Math.min(BASE_MS * 2 ** Math.min(this.#failures - 1, 16), capMs);
    const waitMs = fullMs / 2 + (fullMs / 2) * this.ids.fraction();
    const known = error instanceof BrokerError ? error : new BrokerError('vault_unavailable');
    const untilMs = this.clock.monotonicMs() + (denied ? waitMs : Math.min(waitMs, OUTAGE_MS));
    this.#last = { error: known, untilMs };
    return waitMs;
  }

  /** Forgets the failures. */
  succeeded(): void {
    this.#failures = 0;
    this.#last = undefined;
  }

  /** Throws the last failure while it is too early for a request to try again. */
  check(): void {
    if (this.#last !== undefined && this.clock.monotonicMs() < this.#last.untilMs) throw this.#last.error;
  }

  /** The failure that the next success will end. */
  get lastError(): BrokerError | undefined {
    return this.#last?.error;
  }
}
