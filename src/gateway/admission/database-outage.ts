import { BrokerError } from '../../kernel/broker-error.js';

/**
 * SQLSTATEs that blame what was sent, and not the state of the database (PostgreSQL, appendix A): data exceptions,
 * integrity violations, refusals by triggers.
 */
const OF_DATA = /^(22...|23...|42501)$/;

/** Whether a statement failed because of the data that it was given. */
export function isOfData(error: unknown): boolean {
  const { driverError, code } = (error ?? {}) as { driverError?: { code?: unknown }; code?: unknown };
  const state = driverError?.code ?? code;
  return typeof state === 'string' && OF_DATA.test(state);
}

/** The refusal of a gateway that cannot read its limits. */
export function limitsUnavailable(cause: unknown): BrokerError {
  return new BrokerError('limits_unavailable', { cause, retryAfterSeconds: 2 });
}
