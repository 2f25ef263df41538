import type { RunIdentity } from './run-token.js';

/** The identity of a run token that is yet to be made. */
export type RunClaims = Omit<RunIdentity, 'tokenId' | 'expiresAt'>;

/** The claims of a run token that name the run (RFC 9068 §2.2 and ours); times, issuer and audience come on top. */
export function toClaims(identity: RunClaims): Record<string, unknown> {
  return {
    sub: identity.subject,
    client_id: identity.subject,
    workload_issuer: identity.issuer,
    run_ref: identity.runRef,
    run_id: identity.runId,
    step_id: identity.stepId,
    grant_id: identity.grantId,
    grant: identity.grantName,
    grant_version: identity.grantVersion,
    ...(identity.scope.length > 0 && { scope: identity.scope.join(' ') }),
    ...(identity.keyThumbprint !== undefined && { cnf: { jkt: identity.keyThumbprint } }),
  };
}

/** Reads the identity back; undefined when a claim is missing or of another type. `expiresAt` comes from `exp`. */
export function fromClaims(claims: Readonly<Record<string, unknown>>): RunIdentity | undefined {
  const texts = TEXT_CLAIMS.map((name) => claims[name]);
  const { exp, grant_version: grantVersion, scope = '' } = claims;
  const keyThumbprint = thumbprintIn(claims['cnf']);
  if (!texts.every((value): value is string => typeof value === 'string' && value !== '')) return undefined;
  if (typeof exp !== 'number' || typeof grantVersion !== 'number' || typeof scope !== 'string')
    return undefined;
  if (keyThumbprint === null) return undefined;
  const [tokenId, subject, issuer, runRef, runId, stepId, grantId, grantName] = texts as Texts;
  return {
    tokenId,
    subject,
    issuer,
    runRef,
    runId,
    stepId,
    grantId,
    grantName,
    grantVersion,
    scope: scope === '' ? [] : scope.split(' '),
    expiresAt: new Date(exp * 1_000),
    ...(keyThumbprint !== undefined && { keyThumbprint }),
  };
}

const TEXT_CLAIMS = [
  'jti',
  'sub',
  'workload_issuer',
  'run_ref',
  'run_id',
  'step_id',
  'grant_id',
  'grant',
] as const;
type Texts = [string, string, string, string, string, string, string, string];

/** The thumbprint of a confirmation claim; null when there is one that is not understood: never "not bound". */
function thumbprintIn(confirmation: unknown): string | null | undefined {
  if (confirmation === undefined) return undefined;
  if (typeof confirmation !== 'object' || confirmation === null || !('jkt' in confirmation)) return null;
  return typeof confirmation.jkt === 'string' && confirmation.jkt !== '' ? confirmation.jkt : null;
}
