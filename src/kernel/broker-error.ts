import { ERROR_CODES, type ErrorCode } from './error-codes.js';

/** What may be added to a {@link BrokerError}. */
export interface BrokerErrorOptions {
  /** For the caller: what exactly was refused and what to do next. Never a secret, never a value of a token. */
  readonly detail?: string;
  /** The field of the request that is at fault, as a JSON pointer or parameter name. */
  readonly field?: string;
  /** For the log only, under the same reference. Never a secret. */
  readonly internal?: string;
  /** Seconds after which trying again makes sense. */
  readonly retryAfterSeconds?: number;
  /** For a refused renewal: until when the credential works all the same; null when it is dead or being ended. */
  readonly usableUntil?: Date | null;
  readonly cause?: unknown;
}

/**
 * A refusal or failure with a stable code. The API turns it into an RFC 9457 problem
 * (OAuth endpoints: an OAuth error); {@link internal} stays in the log.
 */
export class BrokerError extends Error {
  readonly status: number;
  readonly title: string;
  readonly detail: string | undefined;
  readonly field: string | undefined;
  readonly internal: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly usableUntil: Date | null | undefined;

  constructor(
    readonly code: ErrorCode,
    options: BrokerErrorOptions = {},
  ) {
    super(`${code}: ${options.detail ?? ERROR_CODES[code].title}`, { cause: options.cause });
    this.name = 'BrokerError';
    this.status = ERROR_CODES[code].status;
    this.title = ERROR_CODES[code].title;
    this.detail = options.detail;
    this.field = options.field;
    this.internal = options.internal;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.usableUntil = options.usableUntil;
  }

  /** Whether the same request may succeed later without a change. */
  get retryable(): boolean {
    return this.status === 503 || this.status === 429;
  }
}

/** Whether something thrown carries this code. */
export function hasCode(error: unknown, code: ErrorCode): error is BrokerError {
  return error instanceof BrokerError && error.code === code;
}
