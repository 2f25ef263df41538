import { byteClass, DIGITS, LOWER, runEnd, UPPER } from '../byte-class.js';
import { nextByte, type ByteText } from '../byte-text.js';
import type { Emit } from '../span.js';

const BEGINS = '-----BEGIN ';
const DASH = 0x2d;
const MIN_CONTENT_BYTES = 24;
const LABEL = /-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----/y;
/** What may stand between the lines: base64, headers of RFC 1421, white space. */
const CONTENT = byteClass(`${DIGITS}${UPPER}${LOWER}+/=:,.() \t\r\n`);
const DASHES = byteClass('-');
const END_OF_LABEL = /-----END [A-Z0-9 ]{1,64}-----/y;

/** Finds private keys in PEM (RFC 7468), to their end or as far as they go. */
export function findPrivateKeys(source: ByteText, from: number, to: number, emit: Emit): void {
  const { bytes } = source;
  for (let at = nextByte(bytes, DASH, from, to); at < to; at = nextByte(bytes, DASH, at, to)) {
    const dashes = runEnd(bytes, at, to, DASHES);
    // The five before the label may follow others.
    const start = dashes - 5;
    at = dashes;
    if (start < from || !source.text.startsWith(BEGINS, start)) continue;
    LABEL.lastIndex = start;
    if (!LABEL.test(source.text) || LABEL.lastIndex > to) continue;
    const content = LABEL.lastIndex;
    at = contentEnd(bytes, source.text, content, to);
    // Code that handles keys names the label alone.
    if (at - content >= MIN_CONTENT_BYTES) emit(start, at, 'key/private-key');
  }
}

function contentEnd(bytes: Buffer, text: string, from: number, to: number): number {
  let end = runEnd(bytes, from, to, CONTENT);
  while (end < to && text.charAt(end) === '-' && !text.startsWith('-----', end)) {
    end = runEnd(bytes, end + 1, to, CONTENT);
  }
  END_OF_LABEL.lastIndex = end;
  return END_OF_LABEL.test(text) && END_OF_LABEL.lastIndex <= to ? END_OF_LABEL.lastIndex : end;
}
