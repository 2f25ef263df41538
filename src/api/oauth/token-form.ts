import { z } from 'zod';
import { BrokerError } from '../../kernel/broker-error.js';
import { Secret } from '../../kernel/secret.js';
import { defined } from '../schema/defined.js';

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';
const JWT_TYPES = new Set([
  'urn:ietf:params:oauth:token-type:jwt',
  'urn:ietf:params:oauth:token-type:id_token',
  ACCESS_TOKEN_TYPE,
]);

/** The parameters, for the documentation; what they must be is checked by {@link tokenRequestOf}. */
export const tokenForm = z
  .object({
    grant_type: z.literal(TOKEN_EXCHANGE),
    subject_token: z.string().describe("the platform's OIDC token"),
    subject_token_type: z.enum([...JWT_TYPES] as [string]),
    resource: z.string().optional().describe('the public URL of this broker; may be repeated'),
    audience: z.string().optional().describe('the public URL of this broker; may be repeated'),
    scope: z
      .string()
      .optional()
      .describe('`grant:NAME` picks a grant, `credential:NAME` narrows the token to credentials'),
    requested_token_type: z.literal(ACCESS_TOKEN_TYPE).optional(),
    run_id: z.string().optional().describe('the run, where the grant lets the workload say so'),
    step_id: z.string().optional().describe('the step, where the grant lets the workload say so'),
  })
  .meta({ id: 'TokenForm' });

/** A token request that is well formed (RFC 8693 §2.1). */
export interface TokenRequest {
  readonly subjectToken: Secret;
  readonly scope?: string;
  readonly runId?: string;
  readonly stepId?: string;
}

/** RFC 8693 §2.1: these, and only these, may be repeated. */
const REPEATABLE = new Set(['resource', 'audience']);
const MOST_PARAMETERS = 32;

/**
 * Reads a token request. A parameter that is repeated is refused (RFC 6749 §3.2), one that is empty counts as left out,
 * an unknown one is ignored (both the same section). Delegation is not supported, so an actor token is refused.
 */
export function tokenRequestOf(form: URLSearchParams | null | undefined, publicUrl: string): TokenRequest {
  const parameters = form ?? new URLSearchParams();
  checkShape(parameters);
  const grantType = valueOf(parameters, 'grant_type');
  if (grantType === undefined) throw malformed('grant_type', 'is missing');
  if (grantType !== TOKEN_EXCHANGE) throw new BrokerError('unsupported_grant_type');
  const subjectToken = valueOf(parameters, 'subject_token');
  if (subjectToken === undefined) throw malformed('subject_token', 'is missing');
  const type = valueOf(parameters, 'subject_token_type');
  if (type === undefined) throw malformed('subject_token_type', 'is missing');
  if (!JWT_TYPES.has(type)) throw new BrokerError('subject_token_type_refused');
  if (valueOf(parameters, 'actor_token') !== undefined) throw malformed('actor_token', 'is not supported');
  const requested = valueOf(parameters, 'requested_token_type');
  if (
    requested !== undefined &&
    requested !== ACCESS_TOKEN_TYPE &&
    requested !== 'urn:ietf:params:oauth:token-type:jwt'
  )
    throw malformed('requested_token_type', 'is not one that is issued here');
  checkTarget(parameters, publicUrl);
  return { subjectToken: Secret.of(subjectToken), ...wantedOf(parameters) };
}

function checkShape(parameters: URLSearchParams): void {
  if (parameters.size > MOST_PARAMETERS) throw malformed('', 'There are too many parameters.');
  for (const name of new Set(parameters.keys())) {
    if (!REPEATABLE.has(name) && parameters.getAll(name).length > 1)
      throw malformed(name.slice(0, 64), 'is repeated');
  }
}

function checkTarget(parameters: URLSearchParams, publicUrl: string): void {
  const own = publicUrl.replace(/\/$/, '');
  // MCP clients name the endpoint that they are about to call (RFC 8707); it is this same server.
  const served = new Set([own, `${own}/mcp`]);
  const targets = [...parameters.getAll('resource'), ...parameters.getAll('audience')];
  for (const target of targets) {
    if (target !== '' && !served.has(target.replace(/\/$/, '')))
      throw new BrokerError('target_refused', { detail: `only ${own} is served here` });
  }
}

function wantedOf(parameters: URLSearchParams): Omit<TokenRequest, 'subjectToken'> {
  return defined({
    scope: valueOf(parameters, 'scope'),
    runId: valueOf(parameters, 'run_id'),
    stepId: valueOf(parameters, 'step_id'),
  });
}

function valueOf(parameters: URLSearchParams, name: string): string | undefined {
  const value = parameters.get(name);
  return value === null || value === '' ? undefined : value;
}

function malformed(field: string, problem: string): BrokerError {
  return new BrokerError('request_malformed', {
    field,
    detail: field === '' ? problem : `${field} ${problem}`,
  });
}
