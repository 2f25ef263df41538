import type { IncomingMessage } from 'node:http';
import type { Ids } from '../../kernel/ids.js';

const SANE = /^[A-Za-z0-9][A-Za-z0-9._~-]{7,63}$/;

/** The reference of a request: the caller's `X-Request-Id` when it is a sane token, else a new id. */
export function requestIdOf(request: IncomingMessage, ids: Ids): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && SANE.test(given) ? given : ids.uuid();
}
