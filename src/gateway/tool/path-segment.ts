import { BrokerError } from '../../kernel/broker-error.js';

// What ends a segment or a path somewhere: separators, also as Tomcat, IIS and others read them, and what a second
// decoding would turn into one of them.
const SEPARATOR = /[/\\]/;
const ENCODED = /%[0-9a-f]{2}/i;
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
const PLAIN = /^[ -~]*$/;
const DOT_SEGMENT = /^\.{0,2}$/;
const HALF_PAIR = /\p{Cs}/u;

/** The longest segment of a path, in characters before encoding. */
const LONGEST = 1_024;

/**
 * Percent-encodes one whole segment of a path. Refuses, with a `TypeError` that does not repeat it, what any server
 * could read as more or less than one segment: nothing, `.` and `..` (also before a `;`), separators, percent-encoded
 * octets (a second decoding would see them), control characters and half surrogate pairs; each of these also where only
 * compatibility normalisation (NFKC) would bring it about, since some servers normalise.
 */
export function encodeSegment(segment: string): string {
  if (segment.length > LONGEST) throw new TypeError(`is longer than ${LONGEST} characters`);
  if (HALF_PAIR.test(segment)) throw new TypeError('has half a surrogate pair in it');
  refuseConfusing(segment);
  if (!PLAIN.test(segment)) refuseConfusing(segment.normalize('NFKC'));
  return encodeText(segment);
}

function refuseConfusing(segment: string): void {
  if (CONTROL.test(segment)) throw new TypeError('has a control character in it');
  if (SEPARATOR.test(segment)) throw new TypeError('has a path separator in it');
  if (ENCODED.test(segment)) throw new TypeError('has percent-encoding in it; values are encoded here');
  // `..;x` is `..` to servers that cut path parameters off.
  const [name = ''] = segment.split(';');
  if (DOT_SEGMENT.test(name)) throw new TypeError('is empty, or a path segment that means another one');
}

/** Percent-encodes everything but unreserved characters (RFC 3986 §2.3); the text has no half surrogate pairs. */
export function encodeText(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** The text that a percent-encoded part of a URL stands for; undefined where it is not UTF-8 or not well formed. */
export function decodeText(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** A scalar as it stands in a URL or header; undefined for what is none. */
export function scalarText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value)))
    return String(value);
  return undefined;
}

/** A refused parameter: where, and why; never its value. */
export function parameterRefused(field: string, detail: string): BrokerError {
  return new BrokerError('parameter_refused', { field, detail });
}
