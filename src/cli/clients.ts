import { AdminClient } from '../sdk/admin-client.js';
import { LeasegateClient, type LeasegateClientOptions } from '../sdk/leasegate-client.js';
import type { ProofKey } from '../sdk/proof-key.js';
import { fileToken, platformTokenSource, type TokenSource } from '../sdk/token-sources.js';
import { CliError, usageError } from './cli-error.js';
import type { Invocation } from './invocation.js';
import { nextStepOf } from './next-step.js';

const USER_AGENT = 'leasegate-cli';

/** The admin API with the bearer of `--token`, `--token-file`, their variables, or the last login, in this order. */
export function adminClient(invocation: Invocation): AdminClient {
  return new AdminClient({
    url: brokerUrl(invocation),
    tokenSource: adminToken(invocation),
    userAgent: USER_AGENT,
  });
}

/** What a worker talks to, for the run that options and environment name. */
export function workerClient(
  invocation: Invocation,
  options: Pick<LeasegateClientOptions, 'credentials' | 'tools'> & { readonly proofKey?: ProofKey } = {},
): LeasegateClient {
  const url = brokerUrl(invocation);
  const runToken = invocation.environment['LEASEGATE_RUN_TOKEN'] || undefined;
  const source =
    workloadToken(invocation) ?? platformTokenSource(url.href.replace(/\/+$/, ''), invocation.environment);
  if (source === undefined && runToken === undefined) {
    throw new CliError('identity_missing', 'There is no token that says who this worker is.', {
      next: nextStepOf('identity_missing') ?? '',
    });
  }
  return new LeasegateClient({
    url,
    userAgent: USER_AGENT,
    tokenSource: source,
    runToken,
    runId: invocation.textOr('runId', 'LEASEGATE_RUN_ID'),
    stepId: invocation.textOr('stepId', 'LEASEGATE_STEP_ID'),
    grant: invocation.textOr('grant', 'LEASEGATE_GRANT'),
    credentials: options.credentials,
    tools: options.tools,
    proofKey: options.proofKey,
  });
}

/** The broker's address, checked. */
export function brokerUrl(invocation: Invocation): URL {
  const url = URL.canParse(invocation.url) ? new URL(invocation.url) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.search !== '') {
    throw usageError(
      'The URL of the broker is not an http(s) address without user and query.',
      'Check --url or LEASEGATE_URL.',
    );
  }
  return url;
}

function adminToken(invocation: Invocation): TokenSource {
  const { environment } = invocation;
  const given = invocation.text('token');
  if (given !== undefined) return async () => given;
  const file = invocation.text('tokenFile');
  if (file !== undefined) return fileToken(file);
  const variable = environment['LEASEGATE_TOKEN'];
  if (variable) return async () => variable;
  const variableFile = environment['LEASEGATE_TOKEN_FILE'];
  if (variableFile) return fileToken(variableFile);
  return async () => {
    const { loggedInToken } = await import('./login/logged-in.js');
    return loggedInToken(brokerUrl(invocation), environment);
  };
}

/** `--token` and `--token-file` alone: their variables are an admin's. */
function workloadToken(invocation: Invocation): TokenSource | undefined {
  const given = invocation.text('token');
  if (given !== undefined) return async () => given;
  const file = invocation.text('tokenFile');
  return file === undefined ? undefined : fileToken(file);
}
