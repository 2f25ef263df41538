import { BrokerError } from '../kernel/broker-error.js';
import type { ErrorCode } from '../kernel/error-codes.js';

const FAILURES: ReadonlySet<ErrorCode> = new Set([
  'vault_unavailable',
  'vault_sealed',
  'vault_denied',
  'vault_refused',
  'vault_mount_missing',
  'vault_role_missing',
  'credential_unavailable',
  'database_unavailable',
  'internal_error',
  'shutting_down',
]);

/** Whether something went wrong, rather than being refused: a dependency's fault or our own. */
export function isFailure(error: unknown): boolean {
  return !(error instanceof BrokerError) || FAILURES.has(error.code);
}

/** The code of something thrown; what is not of the catalogue is `internal_error`. */
export function codeOf(error: unknown): ErrorCode {
  return error instanceof BrokerError ? error.code : 'internal_error';
}

/** What events and rows may say about something thrown: the detail that a caller would see, and nothing else. */
export function publicDetail(error: unknown): string | undefined {
  return error instanceof BrokerError ? error.detail?.slice(0, 500) : undefined;
}

/** Code and public detail in one line, for `last_error`. */
export function failureText(error: unknown): string {
  const detail = publicDetail(error);
  return detail === undefined ? codeOf(error) : `${codeOf(error)}: ${detail}`;
}
