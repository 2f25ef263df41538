import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  discovery,
  None,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
  refreshTokenGrant,
  tokenRevocation,
  type Configuration,
  type TokenEndpointResponse,
} from 'openid-client';
import { machine } from '../../sdk/surroundings.js';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-code.js';
import type { LoginIssuer } from './issuer-choice.js';
import { listenOnLoopback } from './loopback.js';
import type { Login } from './token-cache.js';

/** How a person gets to the issuer's page. */
export interface BrowserWay {
  /** Shows the address, and opens it if wanted. */
  show(url: URL): Promise<void>;
  readonly timeoutMs: number;
}

/**
 * Logs a person in: authorization code with PKCE (RFC 7636), loopback redirect (RFC 8252), with state, nonce and `iss`
 * (RFC 9207) checked.
 */
export async function authorize(issuer: LoginIssuer, way: BrowserWay): Promise<Login> {
  const scope = issuer.scope;
  const resource = issuer.send_resource ? issuer.audience : undefined;
  const configuration = await configure(issuer.url, issuer.client_id);
  const [state, nonce, verifier] = [randomState(), randomNonce(), randomPKCECodeVerifier()];
  const loopback = await listenOnLoopback();
  try {
    const url = buildAuthorizationUrl(configuration, {
      redirect_uri: loopback.redirectUri,
      scope,
      state,
      nonce,
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...(scope.split(' ').includes('offline_access') && { prompt: 'consent' }),
      ...(resource !== undefined && { resource }),
    });
    const answer = loopback.answer(state, way.timeoutMs);
    // Asked for below; it may have failed before the page is shown.
    answer.catch(() => undefined);
    await way.show(url);
    const tokens = await explained(
      authorizationCodeGrant(
        configuration,
        await answer,
        {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: scope.split(' ').includes('openid'),
        },
        resource === undefined ? {} : { resource },
      ),
    );
    const login = {
      issuerName: issuer.name,
      issuer: issuer.url,
      clientId: issuer.client_id,
      scope,
      resource,
    };
    return withTokens({ ...login, bearer: issuer.token, token: '' }, tokens);
  } finally {
    loopback.close();
  }
}

/** Gets the next token with the refresh token; `undefined` when there is none or the issuer no longer takes it. */
export async function refresh(login: Login): Promise<Login | undefined> {
  if (login.refreshToken === undefined) return undefined;
  const configuration = await configure(login.issuer, login.clientId);
  try {
    const parameters = login.resource === undefined ? {} : { resource: login.resource };
    return withTokens(login, await refreshTokenGrant(configuration, login.refreshToken, parameters));
  } catch (error) {
    if (error instanceof Error && 'error' in error && error.error === 'invalid_grant') return undefined;
    throw unexplained(error);
  }
}

/** Ends the tokens at the issuer (RFC 7009); answers false where it cannot. */
export async function revoke(login: Login): Promise<boolean> {
  const configuration = await configure(login.issuer, login.clientId);
  if (configuration.serverMetadata().revocation_endpoint === undefined) return false;
  if (login.refreshToken !== undefined) await explained(tokenRevocation(configuration, login.refreshToken));
  if (login.bearer === 'access_token') await explained(tokenRevocation(configuration, login.token));
  return true;
}

async function configure(issuer: string, clientId: string): Promise<Configuration> {
  const url = new URL(issuer);
  const loopback = /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url.protocol === 'http:' && !loopback) {
    throw new CliError('issuer_insecure', `The issuer ${issuer} is plain http, and not on this machine.`, {
      next: 'An operator has to give the issuer an https address.',
    });
  }
  // Deprecated only to stand out: it is for issuers on this very machine, as in the evaluation environment.
  const execute = url.protocol === 'http:' ? [allowInsecureRequests] : [];
  try {
    return await discovery(url, clientId, undefined, None(), { execute, timeout: 15 });
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown reason';
    throw new CliError('issuer_unavailable', `The issuer ${issuer} cannot be discovered (${reason}).`, {
      exitCode: EXIT.dependency,
      next: 'Check that this machine reaches it.',
    });
  }
}

async function explained<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw unexplained(error);
  }
}

function unexplained(error: unknown): CliError {
  if (error instanceof CliError) return error;
  const { message = 'unknown reason' } = error instanceof Error ? error : {};
  const description =
    error instanceof Error && 'error_description' in error && typeof error.error_description === 'string'
      ? error.error_description
      : message;
  return new CliError('login_refused', `The issuer refused the login: ${description}.`, {
    next: 'Try `leasegate login` again; if it stays so, ask whoever runs the issuer.',
  });
}

function withTokens(login: Login, tokens: TokenEndpointResponse): Login {
  const token = login.bearer === 'id_token' ? tokens.id_token : tokens.access_token;
  if (token === undefined) {
    throw new CliError('login_refused', `The issuer gave no ${login.bearer}.`, {
      next: 'An operator has to look at `login.token` and `login.scope` of the issuer in the settings.',
    });
  }
  return {
    ...login,
    token,
    expiresAtMs: tokens.expires_in === undefined ? undefined : machine.nowMs() + tokens.expires_in * 1000,
    refreshToken: tokens.refresh_token ?? login.refreshToken,
  };
}
