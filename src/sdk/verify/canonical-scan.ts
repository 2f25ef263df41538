const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const [OBJECT, OBJECT_END, ARRAY, ARRAY_END] = [0x7b, 0x7d, 0x5b, 0x5d];
const [COMMA, COLON, MINUS, ZERO, NINE] = [0x2c, 0x3a, 0x2d, 0x30, 0x39];
/** Longer ones may be no safe integers, which are written in another way. */
const MAX_DIGITS = 15;
/** Events are three deep. */
const MAX_DEPTH = 32;
const WORDS: ReadonlyMap<number, Buffer> = new Map(
  ['true', 'false', 'null'].map((word) => [word.charCodeAt(0), Buffer.from(word)]),
);
/** What may stand behind a backslash in the one canonical form; `\u` is left to the parser. */
const ESCAPED: ReadonlySet<number> = new Set(Buffer.from('"\\bfnrt'));

/**
 * Whether bytes are, for certain, canonical JSON (RFC 8785), told in one pass without building the value. `false` says
 * nothing: rare things (fractions, `\u`, names that are not ASCII) are left to who parses. The bytes have to be UTF-8, and
 * a zero has to stand behind them, where the scan is sure to stop.
 */
export function isPlainCanonical(bytes: Uint8Array, from: number, end: number): boolean {
  return valueEnd(bytes, from, 0) === end;
}

/** Where a value ends that begins here; -1 where that is not certain. */
function valueEnd(bytes: Uint8Array, at: number, depth: number): number {
  const byte = bytes[at] as number;
  if (byte === QUOTE) return textEnd(bytes, at + 1);
  if (byte === OBJECT) return depth === MAX_DEPTH ? -1 : objectEnd(bytes, at + 1, depth + 1);
  if (byte === ARRAY) return depth === MAX_DEPTH ? -1 : arrayEnd(bytes, at + 1, depth + 1);
  const word = WORDS.get(byte);
  if (word === undefined) return numberEnd(bytes, at);
  for (let n = 1; n < word.length; n += 1) if (bytes[at + n] !== word[n]) return -1;
  return at + word.length;
}

function objectEnd(bytes: Uint8Array, begin: number, depth: number): number {
  if (bytes[begin] === OBJECT_END) return begin + 1;
  let at = begin;
  let last = -1;
  for (;;) {
    if (bytes[at] !== QUOTE) return -1;
    const name = at + 1;
    const close = nameEnd(bytes, name);
    if (close === -1 || bytes[close + 1] !== COLON || (last !== -1 && !isBefore(bytes, last, name)))
      return -1;
    last = name;
    at = valueEnd(bytes, close + 2, depth);
    if (at === -1) return -1;
    if (bytes[at] === OBJECT_END) return at + 1;
    if (bytes[at] !== COMMA) return -1;
    at += 1;
  }
}

function arrayEnd(bytes: Uint8Array, begin: number, depth: number): number {
  if (bytes[begin] === ARRAY_END) return begin + 1;
  for (let at = begin; ; at += 1) {
    at = valueEnd(bytes, at, depth);
    if (at === -1) return -1;
    if (bytes[at] === ARRAY_END) return at + 1;
    if (bytes[at] !== COMMA) return -1;
  }
}

/** Where the text ends, its closing quote included; -1 where that is not certain. */
function textEnd(bytes: Uint8Array, begin: number): number {
  for (let at = begin; ; at += 1) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) return at + 1;
    if (byte < 0x20) return -1;
    if (byte === BACKSLASH) {
      at += 1;
      if (!ESCAPED.has(bytes[at] as number)) return -1;
    }
  }
}

/** Where the closing quote of a name stands: of plain ASCII only, which is in order when its bytes are; else -1. */
function nameEnd(bytes: Uint8Array, begin: number): number {
  for (let at = begin; ; at += 1) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) return at;
    if (byte < 0x20 || byte > 0x7e || byte === BACKSLASH) return -1;
  }
}

/** Whether one name stands before another; both end with a quote, and one of them may be the beginning of the other. */
function isBefore(bytes: Uint8Array, one: number, other: number): boolean {
  for (let n = 0; ; n += 1) {
    const a = bytes[one + n] as number;
    const b = bytes[other + n] as number;
    if (a === QUOTE) return b !== QUOTE;
    if (b === QUOTE) return false;
    if (a !== b) return a < b;
  }
}

function numberEnd(bytes: Uint8Array, begin: number): number {
  const negative = bytes[begin] === MINUS;
  const first = negative ? begin + 1 : begin;
  const digit = bytes[first] as number;
  if (digit === ZERO) return negative ? -1 : first + 1;
  let at = first;
  while ((bytes[at] as number) >= ZERO && (bytes[at] as number) <= NINE) at += 1;
  return at === first || at - first > MAX_DIGITS ? -1 : at;
}
