import { BrokerError } from '../../../kernel/broker-error.js';
import type { Grant } from '../../../grant/grant.js';
import type { RunIdentity } from '../../../identity/run-token.js';

// As a step of an exchange: what a header, a log line and Vault's metadata all carry unchanged.
const IDENTIFIER = /^[!-~](?:[ -~]{0,254}[!-~])?$/;

/**
 * The step that a call belongs to. Refuses with `run_identity_missing` when neither the call nor the run token names
 * one, with `request_invalid` what is no identifier.
 */
export function stepOfCall(identity: RunIdentity, wanted: string | undefined): string {
  const stepId = wanted ?? identity.stepId;
  if (identity.runRef === '' || identity.runId === '' || stepId === '')
    throw new BrokerError('run_identity_missing', {
      field: 'step_id',
      detail: 'a call names the step that it belongs to',
    });
  if (!IDENTIFIER.test(stepId))
    throw new BrokerError('request_invalid', {
      field: 'step_id',
      detail: 'is not 1 to 256 printable ASCII characters without a space at its ends',
    });
  return stepId;
}

/** Refuses with `run_identity_refused` another step than the token proves, unless the grant lets workers say theirs. */
export function refuseForeignStep(identity: RunIdentity, stepId: string, grant: Grant): void {
  if (stepId === identity.stepId || grant.spec.run.stepFrom === 'asserted') return;
  throw new BrokerError('run_identity_refused', {
    field: 'step_id',
    detail: 'the grant takes the step from the token, and the token names another',
  });
}
