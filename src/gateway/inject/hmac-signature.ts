import { createHmac } from 'node:crypto';
import { epochSeconds } from '../../kernel/clock.js';
import { Secret } from '../../kernel/secret.js';
import type { OutboundRequest } from '../destination/outbound-request.js';
import { textField, type CredentialFields } from './field.js';
import type { Addition } from './injected.js';
import type { Way } from './plain-secrets.js';

/** Where the signed time goes unless the tool says: without it nobody could verify the signature. */
const TIMESTAMP_HEADER = 'x-timestamp';

/** An HMAC over parts of the request, joined as the tool says, in a header. Times are seconds since the epoch. */
export function hmacSignature(
  spec: Way<'hmac'>,
  fields: CredentialFields,
  request: OutboundRequest,
  now: Date,
): Addition {
  const key = textField(fields, spec.field);
  const timestamp = String(epochSeconds(now));
  const hmac = createHmac(spec.algorithm, key);
  spec.signed.forEach((part, index) => {
    if (index > 0) hmac.update(spec.separator);
    hmac.update(partOf(part, request, timestamp));
  });
  const signature = hmac.digest(spec.encoding);
  const timed = spec.timestamp_header ?? (spec.signed.includes('timestamp') ? TIMESTAMP_HEADER : undefined);
  return {
    headers: {
      [spec.header.toLowerCase()]: `${spec.prefix}${signature}`,
      ...(timed !== undefined && { [timed.toLowerCase()]: timestamp }),
    },
    secrets: [Secret.of(key), Secret.of(signature)],
  };
}

function partOf(
  part: Way<'hmac'>['signed'][number],
  { method, url, body }: OutboundRequest,
  timestamp: string,
): string | Buffer {
  switch (part) {
    case 'method':
      return method;
    case 'path':
      return url.pathname;
    case 'query':
      return url.search.slice(1);
    case 'timestamp':
      return timestamp;
    case 'body':
      return body ?? '';
  }
}
