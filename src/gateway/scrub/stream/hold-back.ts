import { byteClass, DIGITS, LOWER, runEnd, UPPER } from '../byte-class.js';
import { privateKeyGoesOn } from '../detect/private-key.js';
import type { Needles } from '../needles.js';
import type { Form } from '../scan.js';
import type { ScrubPlan } from '../scrub-plan.js';

/** The most that is held back of something that goes on without a mark at which it could be cut. */
const HOLD_BYTES = 8_192;
/** The longest private key that is waited for. */
const PRIVATE_KEY_BYTES = 32_768;
/** How much longer a secret may become by being written in escapes. */
const ESCAPED_TIMES = 12;
/** Base64 in lines (RFC 2045, RFC 7468) goes over this much of the lines before. */
const LINES_BYTES = 512;
const SHORTEST_FULL_LINE = 60;
const LONGEST_ESCAPE = 12;
/** The longest IBAN with its spaces, and then some. */
const NUMBER_BYTES = 48;

const SPACE = byteClass(' \t\r\n');
const SEPARATOR = byteClass(' \t\r\n"<>');
const LINE_END = byteClass('\r\n');
const STRING_END = byteClass('\r\n"');
const NUMBER = byteClass(`${DIGITS}${UPPER} -`);
const DIGIT = byteClass(DIGITS);
const ENCODED = byteClass(`${DIGITS}${UPPER}${LOWER}+/-_=`);
const ESCAPE_LEAD = byteClass('\\%&');

/** Where a text that goes on may be cut, so that nothing that is looked for lies on both sides. */
export class HoldBack {
  readonly #ends: Uint8Array;
  readonly #holdBytes: number;
  readonly #secretBytes: number;

  /** Of a `string`, whoever asks looks for the beginning of a credential with separators by itself. */
  constructor(plan: ScrubPlan, needles: Needles, form: Form | 'string') {
    this.#ends = endsOf(plan, form);
    const escapedBytes = needles.longestBytes * ESCAPED_TIMES;
    this.#holdBytes = Math.max(HOLD_BYTES, escapedBytes);
    this.#secretBytes = needles.hasSeparators && form !== 'string' ? escapedBytes : 0;
  }

  /** The offset at which a private key begins that has not ended; the length of the bytes where there is none. */
  privateKeyFrom(bytes: Buffer): number {
    return privateKeyStart(bytes);
  }

  /** The offset from which the bytes are to be held back. */
  from(bytes: Buffer): number {
    const open = Math.min(
      this.#wordStart(bytes),
      bytes.length - this.#secretBytes,
      numberStart(bytes),
      privateKeyStart(bytes),
    );
    return Math.max(0, linesStart(bytes, open));
  }

  #wordStart(bytes: Buffer): number {
    const limit = Math.max(0, bytes.length - this.#holdBytes);
    let at = bytes.length;
    while (at > limit && this.#ends[bytes[at - 1] as number] === 0) at -= 1;
    return at === limit && at > 0 ? betweenEscapes(bytes, wholeGroups(bytes, at)) : at;
  }
}

function endsOf({ patterns }: ScrubPlan, form: Form | 'string'): Uint8Array {
  if (patterns.length === 0) return SEPARATOR;
  // Patterns may take in spaces; over the end of a line or a JSON string hardly one is meant to go.
  if (form === 'json') return STRING_END;
  // Who reads a model's words waits for each of them, so a line is too much where no pattern can have a space in it.
  if (form === 'string' && patterns.every(({ expression }) => isOfOneWord(expression.pattern())))
    return SPACE;
  return LINE_END;
}

/** Whether nothing that an expression matches can have a space in it; says no where that takes more than a look. */
export function isOfOneWord(expression: string): boolean {
  const bare = expression.replace(/\\[^A-Za-z0-9\s]/g, '');
  return !/[\s.]|\[\^|\[\[:|\\(?![bBdwSAz])/.test(bare);
}

/** Back to where a group of four of base64 begins: the next piece has to be read in the same rhythm. */
function wholeGroups(bytes: Buffer, at: number): number {
  let start = at;
  while (start > 0 && ENCODED[bytes[start - 1] as number] === 1) start -= 1;
  return at - ((at - start) % 4);
}

function betweenEscapes(bytes: Buffer, at: number): number {
  for (let lead = Math.max(0, at - LONGEST_ESCAPE); lead < at; lead += 1) {
    if (ESCAPE_LEAD[bytes[lead] as number] === 1) return lead;
  }
  return at;
}

function numberStart(bytes: Buffer): number {
  const limit = Math.max(0, bytes.length - NUMBER_BYTES);
  let at = bytes.length;
  let digits = false;
  while (at > limit && NUMBER[bytes[at - 1] as number] === 1) {
    at -= 1;
    digits ||= DIGIT[bytes[at] as number] === 1;
  }
  return digits ? at : bytes.length;
}

function privateKeyStart(bytes: Buffer): number {
  const tail = Math.max(0, bytes.length - PRIVATE_KEY_BYTES);
  const begins = bytes.subarray(tail).lastIndexOf('-----BEGIN ');
  if (begins < 0) return bytes.length;
  return privateKeyGoesOn(bytes, tail + begins) ? tail + begins : bytes.length;
}

/** Back over full lines of base64 that end where the cut would be. */
function linesStart(bytes: Buffer, from: number): number {
  let start = from;
  while (start > 0 && from - start < LINES_BYTES && bytes[start - 1] === 0x0a) {
    const end = bytes[start - 2] === 0x0d ? start - 2 : start - 1;
    const line = bytes.subarray(0, end).lastIndexOf(0x0a) + 1;
    if (end - line < SHORTEST_FULL_LINE || runEnd(bytes, line, end, ENCODED) < end) break;
    start = line;
  }
  return start;
}
