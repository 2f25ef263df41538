import { HttpException } from '@nestjs/common';
import { BrokerError } from '../../kernel/broker-error.js';
import type { ErrorCode } from '../../kernel/error-codes.js';
import { isBlockedTarget, isDatabaseUnavailable, isOverload } from './database-failure.js';

/** What a status that the framework chose means here. */
const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: 'request_malformed',
  401: 'authentication_required',
  403: 'not_found',
  404: 'not_found',
  405: 'method_not_allowed',
  408: 'request_malformed',
  413: 'request_too_large',
  414: 'not_found',
  415: 'media_type_unsupported',
  431: 'request_malformed',
  503: 'shutting_down',
};

/**
 * Makes a {@link BrokerError} of anything that was thrown. What it does not know becomes `internal_error`: the text
 * of a foreign error never reaches a caller.
 */
export function classify(thrown: unknown): BrokerError {
  if (thrown instanceof BrokerError) return thrown;
  if (isDatabaseUnavailable(thrown))
    return new BrokerError('database_unavailable', { cause: thrown, retryAfterSeconds: 2 });
  if (isBlockedTarget(thrown)) return new BrokerError('target_blocked', { cause: thrown });
  if (isOverload(thrown)) return new BrokerError('overloaded', { cause: thrown, retryAfterSeconds: 1 });
  const code = BY_STATUS[statusOf(thrown) ?? 0];
  return new BrokerError(code ?? 'internal_error', { cause: thrown });
}

function statusOf(thrown: unknown): number | undefined {
  if (thrown instanceof HttpException) return thrown.getStatus();
  const status = (thrown as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' ? status : undefined;
}
