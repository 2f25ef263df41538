import type { ErrorCode } from './api-types.js';

/** Codes that the client itself gives, when no answer of the broker does. */
export type ClientErrorCode =
  | 'broker_unreachable'
  | 'broker_timeout'
  | 'broker_answer_unexpected'
  | 'identity_missing'
  | 'identity_source_failed';

/** A code of the broker's catalogue, one of the client, or one that a newer broker added. */
export type LeasegateErrorCode = ErrorCode | ClientErrorCode | (string & Record<never, never>);

/** What a {@link LeasegateError} is made of. */
export interface LeasegateErrorFields {
  readonly code: LeasegateErrorCode;
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  readonly detail: string;
  /** What the operator searches the log and the audit for. */
  readonly reference?: string | undefined;
  /** The field of the request that is at fault. */
  readonly field?: string | undefined;
  /** Every field at fault, when there are several. */
  readonly errors?: readonly { readonly field: string; readonly message: string }[] | undefined;
  /** Milliseconds after which the broker said that trying again makes sense. */
  readonly retryAfterMs?: number | undefined;
  /** Of a renewal that was refused: until when the credential works all the same; null when it is dead or being ended. */
  readonly usableUntil?: Date | null | undefined;
  /** Of `confirmation_required`: what to send back, with a reason. */
  readonly confirmation?: string | undefined;
  readonly cause?: unknown;
}

/** A refusal or failure, of the broker or on the way to it. Carries no token and no credential. */
export class LeasegateError extends Error {
  readonly code: LeasegateErrorCode;
  readonly status: number;
  readonly detail: string;
  readonly reference: string | undefined;
  readonly field: string | undefined;
  readonly errors: readonly { readonly field: string; readonly message: string }[];
  readonly retryAfterMs: number | undefined;
  readonly confirmation: string | undefined;
  readonly usableUntil: Date | null | undefined;

  constructor(fields: LeasegateErrorFields) {
    super(`${fields.code}: ${fields.detail}`, { cause: fields.cause });
    this.name = 'LeasegateError';
    this.code = fields.code;
    this.status = fields.status;
    this.detail = fields.detail;
    this.reference = fields.reference;
    this.field = fields.field;
    this.errors = fields.errors ?? [];
    this.retryAfterMs = fields.retryAfterMs;
    this.confirmation = fields.confirmation;
    this.usableUntil = fields.usableUntil;
  }

  /** Whether the same request may succeed later without a change. */
  get retryable(): boolean {
    return (
      this.status === 429 ||
      this.status === 503 ||
      this.code === 'idempotency_in_progress' ||
      this.code === 'broker_unreachable' ||
      this.code === 'broker_timeout'
    );
  }
}

/** Whether something thrown carries this code. */
export function hasErrorCode(error: unknown, code: LeasegateErrorCode): error is LeasegateError {
  return error instanceof LeasegateError && error.code === code;
}
