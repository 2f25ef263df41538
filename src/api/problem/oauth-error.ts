import type { BrokerError } from '../../kernel/broker-error.js';
import type { ErrorCode } from '../../kernel/error-codes.js';

/** An RFC 6749 §5.2 error, with our code and reference beside it. */
export interface OAuthError {
  readonly error: string;
  readonly error_description: string;
  readonly error_uri: string;
  readonly code: string;
  readonly reference: string;
}

const BY_CODE: Partial<Record<ErrorCode, string>> = {
  unsupported_grant_type: 'unsupported_grant_type',
  target_refused: 'invalid_target',
  scope_refused: 'invalid_scope',
  proof_required: 'invalid_dpop_proof',
  proof_invalid: 'invalid_dpop_proof',
  internal_error: 'server_error',
};

/** Statuses that say something about transport or load; every other refusal is 400 (RFC 6749 §5.2). */
const OWN_STATUS = new Set([404, 405, 413, 415, 429, 500, 502, 503]);

/**
 * The OAuth error that a refusal is. A subject token that is invalid or not acceptable by policy is
 * `invalid_request` (RFC 8693 §2.2.2 demands it); `code` says which it was.
 */
export function oauthErrorOf(
  error: BrokerError,
  reference: string,
  publicUrl: string,
): { readonly status: number; readonly body: OAuthError } {
  return {
    status: OWN_STATUS.has(error.status) ? error.status : 400,
    body: {
      error: oauthErrorName(error),
      error_description: asciiOf(error.detail ?? error.title),
      error_uri: `${publicUrl.replace(/\/$/, '')}/problems/${error.code}`,
      code: error.code,
      reference,
    },
  };
}

/** The `error` of RFC 6749 §5.2, RFC 8693 §2.2.2 or RFC 9449 §5 that a refusal is. */
export function oauthErrorName(error: BrokerError): string {
  const busy = error.retryable || error.status === 502;
  return BY_CODE[error.code] ?? (busy ? 'temporarily_unavailable' : 'invalid_request');
}

/** What RFC 6749 allows in a description: printable ASCII without quote and backslash. */
function asciiOf(text: string): string {
  return text.replace(/["\\]/g, "'").replace(/[^\x20-\x7e]/g, '?');
}
