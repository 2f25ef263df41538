import { BrokerError } from '../kernel/broker-error.js';
import type { VerifiedToken } from '../identity/verified-token.js';
import { readClaim } from './claim-path.js';
import type { RunSource, WantedRun } from './grant-decision.js';
import type { GrantSpec } from './grant-spec.js';

/** Which run and step a workload belongs to. */
export interface RunAndStep {
  readonly runId: string;
  readonly stepId: string;
  readonly runFrom: RunSource;
}

// Printable ASCII with no space at its ends: what a header, a log line and Vault's metadata all carry unchanged, and
// what cannot be made to look like something else.
const IDENTIFIER = /^[!-~](?:[ -~]{0,254}[!-~])?$/;

/**
 * Finds the run and step where the grant says they are. Refuses with `run_identity_missing` what nobody says, with
 * `run_identity_refused` an asserted value that the token contradicts or a claim that is no identifier, and with
 * `request_invalid` an asserted value that is none.
 *
 * Where the grant takes the run from a claim, the second and later attempts of a platform's run are runs of their
 * own, named `RUN.ATTEMPT`: else a re-run of a job whose run was closed could never start.
 */
export function runIdentity(spec: GrantSpec['run'], token: VerifiedToken, wanted: WantedRun): RunAndStep {
  const run = claimedRun(spec, token);
  return {
    runId: settle('run_id', spec.from, run, wanted.runId),
    stepId: settle('step_id', spec.stepFrom, claimedStep(spec, token), wanted.stepId),
    runFrom: spec.from,
  };
}

/** What the token proves: the value that counts, and the values that say the same. */
interface Claimed {
  readonly value: string | undefined;
  readonly alsoKnownAs?: string;
  /** The claim that was looked for. */
  readonly place: string;
}

function claimedRun(spec: GrantSpec['run'], token: VerifiedToken): Claimed {
  if (spec.runIdClaim !== undefined) return namedClaim(spec.runIdClaim, token);
  const { runId, attempt } = token.platform;
  const place = "the place that the issuer's preset names";
  if (runId === undefined || attempt === undefined || attempt === '1') return { value: runId, place };
  return { value: `${runId}.${attempt}`, alsoKnownAs: runId, place };
}

function claimedStep(spec: GrantSpec['run'], token: VerifiedToken): Claimed {
  if (spec.stepIdClaim !== undefined) return namedClaim(spec.stepIdClaim, token);
  return { value: token.platform.stepId, place: "the place that the issuer's preset names" };
}

/** Text only: a number or a list is nothing, since no two platforms would write it the same way. */
function namedClaim(name: string, token: VerifiedToken): Claimed {
  const value = readClaim(token.claims, name);
  return { value: typeof value === 'string' && value !== '' ? value : undefined, place: `the claim ${name}` };
}

function settle(field: 'run_id' | 'step_id', from: RunSource, claimed: Claimed, asserted?: string): string {
  if (asserted !== undefined && !IDENTIFIER.test(asserted))
    throw new BrokerError('request_invalid', {
      field,
      detail: 'is not 1 to 256 printable ASCII characters without a space at its ends',
    });
  if (from === 'asserted') {
    if (asserted !== undefined) return asserted;
    throw new BrokerError('run_identity_missing', {
      field,
      detail: `the grant has the workload say its ${field}, and the request does not`,
    });
  }
  if (claimed.value === undefined)
    throw new BrokerError('run_identity_missing', {
      field,
      detail: `the grant takes the ${field} from ${claimed.place}, and the token has no text there`,
    });
  if (!IDENTIFIER.test(claimed.value))
    throw new BrokerError('run_identity_refused', {
      field,
      detail: `${claimed.place} is not 1 to 256 printable ASCII characters`,
    });
  if (asserted !== undefined && asserted !== claimed.value && asserted !== claimed.alsoKnownAs)
    throw new BrokerError('run_identity_refused', {
      field,
      detail: `the ${field} of the request is not the one that the token proves`,
    });
  return claimed.value;
}
