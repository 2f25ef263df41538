import { BrokerError } from '../kernel/broker-error.js';
import { Secret } from '../kernel/secret.js';

/** What authentication reads of a request; Fastify's and Node's requests are ones. */
export interface RequestWithHeaders {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

// RFC 6750 §2.1, and the same form under the scheme of RFC 9449 §7.1.
const CREDENTIALS = /^(bearer|dpop) +([A-Za-z0-9._~+/-]+=*)$/i;

/**
 * The token in the Authorization header; nowhere else is looked, since URLs and bodies end up in logs. Refuses with
 * `authentication_required` when there is none, `token_malformed` when it is not one token.
 */
export function bearerToken(request: RequestWithHeaders): Secret {
  const header = request.headers['authorization'];
  if (typeof header !== 'string' || !/^(bearer|dpop)(\s|$)/i.test(header)) {
    throw new BrokerError('authentication_required');
  }
  const token = CREDENTIALS.exec(header)?.[2];
  if (token === undefined) throw new BrokerError('token_malformed');
  return Secret.of(token);
}
