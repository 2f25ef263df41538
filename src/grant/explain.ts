import { BrokerError } from '../kernel/broker-error.js';
import type { ErrorCode } from '../kernel/error-codes.js';
import type { VerifiedToken } from '../identity/verified-token.js';
import { compileConditions, type ClauseResult } from './conditions.js';
import type { WantedRun } from './grant-decision.js';
import { isPast } from './grant-live.js';
import type { Grant, GrantState } from './grant.js';
import { runIdentity, type RunAndStep } from './run-identity.js';

/** How one grant looks at a token. */
export interface GrantExplanation {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  /** `expired` also where the scheduler has not come to it yet. */
  readonly state: GrantState;
  /** Whether every clause matched, whatever the state. */
  readonly matched: boolean;
  readonly clauses: readonly ClauseResult[];
  /** Which run and step it would be, or why not. */
  readonly run: RunAndStep | { readonly code: ErrorCode; readonly field?: string; readonly detail?: string };
  /** Why its conditions cannot be asked at all. */
  readonly error?: string;
}

/** What a decision would be, and how every grant of the issuer looks at the token, the nearest first. */
export interface Explanation {
  readonly issuer: string;
  readonly subject: string;
  readonly decision:
    | { readonly accepted: true; readonly grant: string; readonly run: RunAndStep }
    | { readonly accepted: false; readonly code: ErrorCode; readonly detail?: string };
  readonly grants: readonly GrantExplanation[];
}

/**
 * Explains a decision clause by clause. Claims that no clause names are never shown: whoever asks sees what the grants
 * are about and not the whole token.
 */
export function explainGrants(
  grants: readonly Grant[],
  token: VerifiedToken,
  wanted: WantedRun,
  now: Date,
): Explanation {
  const explained = grants.map((grant) => explainGrant(grant, token, wanted, now));
  return {
    issuer: token.issuerName,
    subject: token.subject,
    decision: decision(explained, wanted),
    grants: explained.sort((a, b) => nearness(b) - nearness(a) || (a.name < b.name ? -1 : 1)),
  };
}

function explainGrant(grant: Grant, token: VerifiedToken, wanted: WantedRun, now: Date): GrantExplanation {
  const { id, name, version } = grant;
  const state = grant.state === 'active' && isPast(grant, now) ? 'expired' : grant.state;
  const run = explainRun(grant, token, wanted);
  try {
    const clauses = compileConditions(grant.spec.workload).judge(token.claims);
    return { id, name, version, state, matched: clauses.every(({ matched }) => matched), clauses, run };
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'does not compile';
    return { id, name, version, state, matched: false, clauses: [], run, error: reason };
  }
}

function explainRun(grant: Grant, token: VerifiedToken, wanted: WantedRun): GrantExplanation['run'] {
  try {
    return runIdentity(grant.spec.run, token, wanted);
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    const { code, field, detail } = error;
    return { code, ...(field !== undefined && { field }), ...(detail !== undefined && { detail }) };
  }
}

/** The same rules as `GrantDecisions.decide`, over what was explained. */
function decision(explained: readonly GrantExplanation[], wanted: WantedRun): Explanation['decision'] {
  const named = explained.filter(({ name }) => wanted.grant === undefined || name === wanted.grant);
  const matching = named.filter(({ matched }) => matched);
  const active = matching.filter(({ state }) => state === 'active');
  const [grant, other] = active;
  if (other !== undefined)
    return {
      accepted: false,
      code: 'grant_ambiguous',
      detail: `${active.map(({ name }) => name).join(', ')} match`,
    };
  if (grant !== undefined)
    return 'code' in grant.run
      ? { accepted: false, ...grant.run }
      : { accepted: true, grant: grant.name, run: grant.run };
  const inactive = matching[0];
  if (wanted.grant !== undefined && inactive !== undefined)
    return {
      accepted: false,
      code: 'grant_not_active',
      detail: `grant ${inactive.name} is ${inactive.state}`,
    };
  return {
    accepted: false,
    code: 'grant_not_found',
    detail:
      inactive === undefined
        ? 'no grant matches every clause'
        : `only grants that are not active match: ${matching.map(({ name, state }) => `${name} (${state})`).join(', ')}`,
  };
}

/** Share of the clauses that matched; a grant that matched is nearest of all, an active one before another. */
function nearness({ clauses, state }: GrantExplanation): number {
  const share = clauses.length === 0 ? 0 : clauses.filter(({ matched }) => matched).length / clauses.length;
  return share * 2 + (state === 'active' ? 1 / (clauses.length + 1) : 0);
}
