import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

const NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_]([a-z0-9_-]{0,62}))*$/;

/** A host as logs write it: `Host`, `host.`, `host:443`, `[::1]:443`, `10.0.0.1`; undefined when it is none of these. */
export function hostField(text: unknown): string | undefined {
  if (typeof text !== 'string') return undefined;
  const bracketed = /^\[([0-9a-fA-F:.]+)\](:\d{1,5})?$/.exec(text)?.[1];
  if (bracketed !== undefined) return addressField(bracketed);
  if (isIP(text) !== 0) return addressField(text);
  const name = text
    .replace(/:\d{1,5}$/, '')
    .replace(/\.$/, '')
    .toLowerCase();
  return isIP(name) !== 0 ? addressField(name) : NAME.test(name) ? name : undefined;
}

/** An address, with or without a port or a zone, in the one spelling that is compared. */
export function addressField(text: unknown): string | undefined {
  if (typeof text !== 'string') return undefined;
  const plain =
    /^\[([^\]]+)\](:\d{1,5})?$/.exec(text)?.[1] ??
    (isIP(text) === 0 ? text.replace(/[:/#]\d{1,5}$/, '') : text);
  const unzoned = plain.replace(/%.*$/, '');
  return isIP(unzoned) === 0 ? undefined : ipaddr.process(unzoned).toString();
}

/** An instant as logs write it in text; undefined when it is none. */
export function timeField(text: unknown): Date | undefined {
  if (typeof text !== 'string' || !/^\d{4}-\d{2}-\d{2}T/.test(text)) return undefined;
  // Hubble and Vault write nanoseconds; what is beyond milliseconds is dropped by the parser.
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? undefined : at;
}

/** Text that may stand in an event: clipped, without control characters; undefined when there is nothing. */
export function textField(text: unknown): string | undefined {
  if (typeof text !== 'string' || text === '' || text === '-') return undefined;
  return text.slice(0, 256).replace(/[\p{Cc}\p{Cf}]/gu, '�');
}

/** A line's JSON object; undefined when it is none. */
export function objectField(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

/** A line as a JSON object; undefined when it is none. */
export function parseObject(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return objectField(JSON.parse(line));
  } catch {
    return undefined;
  }
}
