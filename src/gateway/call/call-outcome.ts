import { BrokerError } from '../../kernel/broker-error.js';
import type { ErrorCode } from '../../kernel/error-codes.js';
import type { CallOutcome } from '../admission/admission-request.js';

/** Codes that say that we would not, rather than that something could not. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'destination_refused',
  'redirect_refused',
  'response_blocked',
  'response_too_large',
  'response_unreadable',
  'tool_response_refused',
  'credential_not_granted',
  'credential_disabled',
  'lease_not_active',
  'delivery_refused',
  'run_closed',
  'grant_not_active',
]);

/** How far a call had come. */
export interface CallProgress {
  /** Whether any of it may have reached the provider. */
  readonly sent: boolean;
  /** Whether the provider's answer had begun. */
  readonly answered: boolean;
}

/**
 * How a call ended that something was thrown in. What left without an answer is `unknown`, whatever stopped it: the
 * provider may have done what was asked.
 */
export function outcomeOf(error: BrokerError, { sent, answered }: CallProgress): CallOutcome {
  if (sent && !answered) return 'unknown';
  return REFUSALS.has(error.code) ? 'refused' : 'failure';
}

/** What was thrown, as an error with a code; the reason of a cut wins over what the cut broke. */
export function brokerErrorOf(thrown: unknown, cut: AbortSignal): BrokerError {
  if (cut.aborted && cut.reason instanceof BrokerError) return cut.reason;
  if (thrown instanceof BrokerError) return thrown;
  return new BrokerError('internal_error', { cause: thrown });
}
