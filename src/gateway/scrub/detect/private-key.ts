import { byteClass, DIGITS, LOWER, runEnd, UPPER } from '../byte-class.js';
import type { ByteText } from '../byte-text.js';
import type { Emit } from '../span.js';

const BEGINS = '-----BEGIN ';
const LABEL = /-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----/y;
/** What may stand between the lines: base64, headers of RFC 1421, white space. */
const CONTENT = byteClass(`${DIGITS}${UPPER}${LOWER}+/=:,.() \t\r\n`);
const END_OF_LABEL = /-----END [A-Z0-9 ]{1,64}-----/y;

/** Finds private keys in PEM (RFC 7468), to their end or as far as they go. */
export function findPrivateKeys({ bytes, text }: ByteText, from: number, to: number, emit: Emit): void {
  const part = bytes.subarray(from, to);
  for (let found = part.indexOf(BEGINS); found >= 0;) {
    const start = from + found;
    LABEL.lastIndex = start;
    let end = start + BEGINS.length;
    if (LABEL.test(text) && LABEL.lastIndex <= to) {
      end = contentEnd(bytes, text, LABEL.lastIndex, to);
      emit(start, end, 'key/private-key');
    }
    found = part.indexOf(BEGINS, end - from);
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
