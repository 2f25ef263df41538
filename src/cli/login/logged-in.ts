import { machine } from '../../sdk/surroundings.js';
import { CliError } from '../cli-error.js';
import { TokenCache, type Login } from './token-cache.js';

const REFRESH_BEFORE_MS = 30_000;

/** The bearer of the last login at this broker, refreshed when it is about to expire. */
export async function loggedInToken(
  brokerUrl: URL,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const cache = new TokenCache(environment);
  const login = await cache.get(brokerUrl);
  if (login === undefined) throw notLoggedIn(`Nobody is logged in at ${brokerUrl.origin}.`);
  if (isFresh(login)) return login.token;
  const { refresh } = await import('./authorization.js');
  const refreshed = await refresh(login);
  if (refreshed !== undefined) {
    await cache.set(brokerUrl, refreshed);
    return refreshed.token;
  }
  // Issuers that rotate refresh tokens take each once: another command may have been first.
  const other = await cache.get(brokerUrl);
  if (other !== undefined && isFresh(other)) return other.token;
  throw notLoggedIn(`The login at ${brokerUrl.origin} has expired.`);
}

function isFresh(login: Login): boolean {
  return login.expiresAtMs === undefined || machine.nowMs() < login.expiresAtMs - REFRESH_BEFORE_MS;
}

function notLoggedIn(message: string): CliError {
  return new CliError('authentication_required', message, {
    next: 'Log in with `leasegate login`, or set LEASEGATE_TOKEN or LEASEGATE_TOKEN_FILE.',
  });
}
