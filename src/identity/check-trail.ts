import { BrokerError } from '../kernel/broker-error.js';
import type { ErrorCode } from '../kernel/error-codes.js';
import type { VerifiedToken } from './verified-token.js';

/** The result of one check of a token, for operators. */
export interface TokenCheck {
  readonly check: string;
  readonly ok: boolean;
  /** The refusal that a caller would get. */
  readonly code?: ErrorCode;
  /** What was found and what was expected. */
  readonly detail?: string;
}

/** All checks of a token, for operators. */
export interface TokenExplanation {
  readonly ok: boolean;
  readonly checks: readonly TokenCheck[];
  readonly token?: VerifiedToken;
}

/**
 * Runs named checks and notes what came of them. With `stop` the first refusal ends it; with `continue` a check that
 * others do not build on is noted and passed over, so that an operator sees all that is wrong at once.
 */
export class CheckTrail {
  readonly #checks: TokenCheck[] = [];

  constructor(private readonly mode: 'stop' | 'continue') {}

  /** The checks so far. */
  get checks(): readonly TokenCheck[] {
    return this.#checks;
  }

  /** Whether there were checks, and none of them failed. */
  get ok(): boolean {
    return this.#checks.length > 0 && this.#checks.every((check) => check.ok);
  }

  /** A check that later ones build on: its refusal ends the examination. */
  async need<T>(name: string, work: () => T | Promise<T>): Promise<T> {
    try {
      const value = await work();
      this.#checks.push({ check: name, ok: true });
      return value;
    } catch (error) {
      if (error instanceof BrokerError) this.#note(name, error);
      throw error;
    }
  }

  /** A check that nothing builds on. */
  async want(name: string, work: () => void | Promise<void>): Promise<void> {
    try {
      await this.need(name, work);
    } catch (error) {
      if (this.mode === 'stop' || !(error instanceof BrokerError)) throw error;
    }
  }

  #note(name: string, error: BrokerError): void {
    const detail = error.internal ?? error.detail ?? error.title;
    this.#checks.push({ check: name, ok: false, code: error.code, detail });
  }
}
