import type { Message } from './message.js';

/** Under which key of `_meta` a request of the revision 2026-07-28 says its revision. */
const VERSION_KEY = 'io.modelcontextprotocol/protocolVersion';

/**
 * The headers that streamable HTTP wants beside a message: what is in the message said again, so that what stands
 * between need not read bodies. `negotiated` is the revision of the handshake, which those of 2025 have instead.
 */
export function requestHeaders(
  { method, params = {} }: Message,
  negotiated: string | undefined,
): Readonly<Record<string, string>> {
  const meta = params['_meta'] as Readonly<Record<string, unknown>> | undefined;
  const own = meta?.[VERSION_KEY];
  const version = typeof own === 'string' ? own : negotiated;
  const name = method === 'resources/read' ? params['uri'] : params['name'];
  return {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...(version === undefined || method === 'initialize'
      ? {}
      : { 'mcp-protocol-version': headerText(version) }),
    ...(typeof own === 'string' && method !== undefined ? { 'mcp-method': headerText(method) } : {}),
    ...(typeof own === 'string' && typeof name === 'string' ? { 'mcp-name': headerText(name) } : {}),
  };
}

/** What a header cannot hold goes as base64 of its UTF-8, marked as the specification says. */
function headerText(text: string): string {
  const plain = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !text.startsWith('=?base64?');
  return plain ? text : `=?base64?${Buffer.from(text).toString('base64')}?=`;
}
