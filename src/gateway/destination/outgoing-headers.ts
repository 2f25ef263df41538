import { BrokerError } from '../../kernel/broker-error.js';
import type { OutboundRequest } from './outbound-request.js';

/** Headers that belong to the connection (RFC 9110 §7.6.1) or say where a request goes and how long it is. */
const OURS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const NOT_A_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const NOT_A_NAME = /[^!#$%&'*+\-.^_`|~0-9a-z]/;
const AGENT = 'leasegate';

/**
 * The headers as they are written, `host`, framing and connection being ours. A signer may have put in `host` and
 * `content-length`, since it signs them; they have to say what is sent anyway.
 *
 * @throws BrokerError `request_invalid` that names the header and never its value.
 */
export function outgoingHeaders(request: OutboundRequest): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (OURS.has(name)) {
      if (saysTheTruth(name, value, request)) continue;
      throw refused(name, 'is ours to set');
    }
    if (name === '' || NOT_A_NAME.test(name)) throw refused(name, 'is not a header name');
    if (NOT_A_VALUE.test(value)) throw refused(name, 'has a value that no header has');
    headers[name] = value;
  }
  headers['user-agent'] ??= AGENT;
  const announced = request.upload?.lengthBytes;
  if (announced !== undefined) headers['content-length'] = String(announced);
  return headers;
}

function saysTheTruth(name: string, value: string, { url, body }: OutboundRequest): boolean {
  if (name === 'host') return value === url.host;
  return name === 'content-length' && value === String(body?.length ?? 0);
}

function refused(name: string, why: string): BrokerError {
  // A name that is none may be anything, so it is not repeated.
  const shown = NOT_A_NAME.test(name) ? 'a header' : `the header ${name}`;
  return new BrokerError('request_invalid', { detail: `${shown} ${why}`, field: '/header' });
}
