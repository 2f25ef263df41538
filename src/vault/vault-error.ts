import { BrokerError } from '../kernel/broker-error.js';
import type { ErrorCode } from '../kernel/error-codes.js';

/** The codes with which Vault operations fail; see {@link VaultError}. */
export type VaultErrorCode = Extract<
  ErrorCode,
  'vault_unavailable' | 'vault_sealed' | 'vault_denied' | 'vault_refused'
>;

/** What is known of a failed call; nothing in it may be a secret. */
export interface VaultFailure {
  readonly operation: string;
  /** Absent when there was no answer. */
  readonly httpStatus?: number;
  /** Vault's own error strings, scrubbed. */
  readonly errors?: readonly string[];
  /** Why there was no usable answer, in our words. */
  readonly reason?: string;
  readonly retryAfterSeconds?: number | undefined;
}

/**
 * A call to Vault that failed. Carries the operation, the status and Vault's scrubbed error strings, and never the
 * request, its token or the answer's body; the error of the transport is not kept as a cause, since parsers attach
 * the raw answer to theirs.
 */
export class VaultError extends BrokerError {
  readonly operation: string;
  readonly httpStatus: number | undefined;
  readonly vaultErrors: readonly string[];

  constructor(
    override readonly code: VaultErrorCode,
    failure: VaultFailure,
  ) {
    const facts = [
      failure.httpStatus === undefined ? undefined : `status ${failure.httpStatus}`,
      failure.reason,
      ...(failure.errors ?? []),
    ].filter((fact) => fact !== undefined);
    super(code, {
      internal: `vault ${failure.operation}: ${facts.join('; ')}`,
      ...(failure.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: failure.retryAfterSeconds }),
    });
    this.operation = failure.operation;
    this.httpStatus = failure.httpStatus;
    this.vaultErrors = failure.errors ?? [];
  }

  /** Whether one of Vault's error strings has this in it. */
  says(text: string): boolean {
    return this.vaultErrors.some((error) => error.includes(text));
  }
}

/**
 * The code for an answer that is not a success. 503 is how a sealed server answers everything; 429 is a quota; 502
 * and 504 come from a proxy before it; a standby without a leader says so with 500.
 */
export function codeOfAnswer(httpStatus: number, errors: readonly string[]): VaultErrorCode {
  if (httpStatus === 403 || httpStatus === 401) return 'vault_denied';
  if (httpStatus === 503 && errors.some((error) => /\bsealed\b/i.test(error))) return 'vault_sealed';
  if ([429, 502, 503, 504].includes(httpStatus)) return 'vault_unavailable';
  if (
    httpStatus >= 500 &&
    errors.some((error) => /standby|active cluster node not found|no leader/i.test(error))
  )
    return 'vault_unavailable';
  return 'vault_refused';
}
