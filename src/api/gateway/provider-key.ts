import type { ApiRequest } from '../http/request.js';

/** Headers in which SDKs of providers send their key, besides `Authorization`: Anthropic, Azure, Google. */
const KEY_HEADERS = ['x-api-key', 'api-key', 'x-goog-api-key'] as const;
// What Stripe's and others' clients send: the key as user, without a password (RFC 7617).
const BASIC = /^basic +([A-Za-z0-9+/]+={0,2})$/i;

/**
 * Moves the key that an ordinary SDK sends, wherever its provider has it, to `Authorization: Bearer`, where a run
 * token is looked for. What it was in is gone afterwards, so that it can never be taken for a parameter.
 */
export function bearerFromProviderKey(request: ApiRequest): void {
  const { headers } = request.raw;
  const inHeader = KEY_HEADERS.map((name) => headers[name]).find((value) => typeof value === 'string');
  for (const name of KEY_HEADERS) delete headers[name];
  const authorization = headers.authorization;
  if (authorization === undefined) {
    if (typeof inHeader === 'string') headers.authorization = `Bearer ${inHeader}`;
    return;
  }
  const basic = BASIC.exec(authorization)?.[1];
  if (basic === undefined) return;
  const user = Buffer.from(basic, 'base64').toString('utf8').split(':', 1)[0] ?? '';
  headers.authorization = `Bearer ${user}`;
}
