import { Readable } from 'node:stream';
import type { preParsingHookHandler, RequestPayload } from 'fastify';
import type { ApiRequest } from './request.js';

/** How long a client may take to send a body. */
const BODY_WITHIN_MS = 30_000;

/**
 * Ends a connection whose body does not come. Node's own limit holds for every route alike, and bodies that are passed
 * on may take longer.
 */
export const bodyWithinDeadline: preParsingHookHandler = (request, _reply, payload, done) => {
  const { raw } = request;
  if (announcedLength(raw.headers) !== 0) {
    const timer = setTimeout(() => raw.destroy(), BODY_WITHIN_MS);
    raw.once('close', () => clearTimeout(timer));
  }
  done(null, payload);
};

/** Leaves a body unread for whoever handles the request: the parsers see an empty one. */
export const bodyLeftUnread: preParsingHookHandler = (request, _reply, payload, done) => {
  const { raw } = request;
  const lengthBytes = announcedLength(raw.headers);
  (request as ApiRequest).circumstances.unread = { source: payload, lengthBytes };
  const nothing: RequestPayload = new Readable({ read: endsAtOnce });
  // What the parsers compare with the length that was announced.
  nothing.receivedEncodedLength = lengthBytes ?? 0;
  done(null, nothing);
};

function endsAtOnce(this: Readable): void {
  this.push(null);
}

/** Whether a connection is closed rather than read to the end of a body that nobody wants. */
export function isUnwanted({ raw, circumstances }: ApiRequest): boolean {
  const lengthBytes = circumstances.unread?.lengthBytes;
  return circumstances.unread !== undefined && lengthBytes !== 0 && !raw.readableEnded;
}

/** Bytes of the body; undefined when they are not known before it came. */
function announcedLength(headers: ApiRequest['raw']['headers']): number | undefined {
  if (headers['transfer-encoding'] !== undefined) return undefined;
  return Number(headers['content-length'] ?? 0);
}
