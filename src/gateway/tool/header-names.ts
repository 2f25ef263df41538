/**
 * Headers that no tool declares: what frames the message or belongs to one connection (RFC 9110 §7.6.1, RFC 9112),
 * what says who calls, what proxies believe, what makes a server see another method or path, and what the gateway
 * says itself.
 */
const REFUSED = new Set([
  'host',
  'content-length',
  'content-type',
  'content-encoding',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'te',
  'trailer',
  'upgrade',
  'expect',
  'http2-settings',
  'authorization',
  'cookie',
  'set-cookie',
  'accept-encoding',
  'forwarded',
  'via',
  'x-real-ip',
  'true-client-ip',
  'x-client-ip',
  'cf-connecting-ip',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-original-url',
  'x-original-host',
  'x-rewrite-url',
  'x-host',
]);
const REFUSED_PREFIXES = ['proxy-', 'x-forwarded-', 'sec-', 'leasegate-', ':'];
/** Where a credential may go although no caller may say it. */
const FOR_CREDENTIALS = new Set(['authorization', 'cookie']);
const FRAMING = new Set(['set-cookie', 'content-length', 'transfer-encoding', 'connection', 'keep-alive']);

/** Whether a caller may fill a header of this lower-case name. */
export function mayDeclareHeader(name: string): boolean {
  return !REFUSED.has(name) && !REFUSED_PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** Whether a credential may be put into a header of this lower-case name. */
export function mayInjectHeader(name: string): boolean {
  return FOR_CREDENTIALS.has(name) || mayDeclareHeader(name);
}

/** Whether callers may see a response header of this lower-case name. */
export function mayShowHeader(name: string): boolean {
  return !FRAMING.has(name) && !name.startsWith('proxy-') && !name.startsWith('leasegate-');
}

/** A field value (RFC 9110 §5.5) in visible ASCII, without the octets that only older grammars know. */
export const HEADER_VALUE = /^[!-~](?:[\t -~]*[!-~])?$/;
