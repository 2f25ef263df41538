import { BrokerError } from '../kernel/broker-error.js';
import type { ErrorCode } from '../kernel/error-codes.js';
import type { Lease } from './lease.js';

/** Refusals that come with the end of all leases concerned, whether or not this one is marked yet. */
const ENDING: ReadonlySet<ErrorCode> = new Set(['run_closed', 'grant_not_active', 'credential_disabled']);

/**
 * Until when the credential of a lease whose renewal was refused with `code` works all the same. Null when it is dead or
 * being ended: then nobody may count on another moment.
 */
export function usableUntil(lease: Lease, code: ErrorCode, now: Date): Date | null {
  if (lease.state !== 'active' || lease.expiresAt <= now || ENDING.has(code)) return null;
  return lease.expiresAt;
}

/** The same refusal with {@link BrokerError.usableUntil}; what is no refusal stays as it is. */
export function withUse(error: unknown, until: Date | null): unknown {
  if (!(error instanceof BrokerError)) return error;
  const { code, detail, field, internal, retryAfterSeconds, cause } = error;
  return new BrokerError(code, {
    ...(detail !== undefined && { detail }),
    ...(field !== undefined && { field }),
    ...(internal !== undefined && { internal }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    usableUntil: until,
    cause: cause ?? error,
  });
}
