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
/** The same where it is written with escapes. */
const ESCAPED_CONTENT = byteClass(`${DIGITS}${UPPER}${LOWER}+/=:,.() \t\r\n\\%&;#`);
const BEGUN_LABEL = /^-----BEGIN [A-Z0-9 ]{0,80}(-{0,5})/;
const BEGUN_END = /^-----(?:E|EN|END|END [A-Z0-9 ]{0,64}-{0,4})?$/;
const LONGEST_LABEL = 100;
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

/** Whether what begins with `-----BEGIN ` at `at` may be a private key that goes on after the last byte. */
export function privateKeyGoesOn(bytes: Buffer, at: number): boolean {
  const label = bytes.toString('latin1', at, at + LONGEST_LABEL);
  const [begun = '', dashes] = BEGUN_LABEL.exec(label) ?? [];
  if (at + begun.length === bytes.length) return true;
  LABEL.lastIndex = 0;
  if (dashes !== '-----' || !LABEL.test(label)) return false;
  let end = runEnd(bytes, at + begun.length, bytes.length, ESCAPED_CONTENT);
  while (bytes[end] === DASH) {
    const after = runEnd(bytes, end, bytes.length, DASHES);
    if (after - end >= 5) return BEGUN_END.test(bytes.toString('latin1', end, end + LONGEST_LABEL));
    end = runEnd(bytes, after, bytes.length, ESCAPED_CONTENT);
  }
  return end === bytes.length;
}

function contentEnd(bytes: Buffer, text: string, from: number, to: number): number {
  let end = runEnd(bytes, from, to, CONTENT);
  while (end < to && text.charAt(end) === '-' && !text.startsWith('-----', end)) {
    end = runEnd(bytes, end + 1, to, CONTENT);
  }
  END_OF_LABEL.lastIndex = end;
  return END_OF_LABEL.test(text) && END_OF_LABEL.lastIndex <= to ? END_OF_LABEL.lastIndex : end;
}
