import { byteClass } from './byte-class.js';
import type { ByteText } from './byte-text.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LEAD = byteClass('\\%&');

/** The inside of a JSON string that has escapes, without its quotes. */
export interface EscapedString {
  readonly start: number;
  readonly end: number;
  /** Whether one of them is a backslash, so that the bytes are not what the string says. */
  readonly backslash: boolean;
}

/**
 * The strings of a JSON text that may have escapes, from left to right. In valid JSON a backslash is in a string; the
 * nearest quote before the first escape of a string begins it.
 */
export function escapedStrings({ bytes }: ByteText): EscapedString[] {
  const strings: EscapedString[] = [];
  for (let at = 0, from = 0; at < bytes.length; at += 1) {
    if (LEAD[bytes[at] as number] === 0) continue;
    const start = lastQuote(bytes, from, at) + 1;
    let backslash = false;
    for (; at < bytes.length && bytes[at] !== QUOTE; at += 1) {
      if (bytes[at] !== BACKSLASH) continue;
      backslash = true;
      at += 1;
    }
    at = Math.min(at, bytes.length);
    strings.push({ start, end: at, backslash });
    from = at;
  }
  return strings;
}

/** The last quote in `from` to `at`; one before `from` where there is none. */
function lastQuote(bytes: Buffer, from: number, at: number): number {
  let quote = at - 1;
  while (quote >= from && bytes[quote] !== QUOTE) quote -= 1;
  return quote;
}
