import type { ByteText } from './byte-text.js';
import type { EscapeKind } from './escape.js';
import { nextEscape } from './escapes.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The inside of a JSON string, without its quotes. */
export interface StringPlace {
  readonly start: number;
  readonly end: number;
}

/**
 * The JSON strings that have a backslash, from left to right. In valid JSON a backslash is in a string, and the
 * nearest quote before the first one of it begins that string.
 */
export function* backslashedStrings({ bytes }: ByteText): Generator<StringPlace> {
  let from = 0;
  for (let at = bytes.indexOf(BACKSLASH); at >= 0; at = bytes.indexOf(BACKSLASH, from)) {
    const quote = bytes.subarray(from, at).lastIndexOf(QUOTE);
    const start = quote < 0 ? from : from + quote + 1;
    let end = at;
    while (end < bytes.length && bytes[end] !== QUOTE) end += bytes[end] === BACKSLASH ? 2 : 1;
    end = Math.min(end, bytes.length);
    yield { start, end };
    from = end;
  }
}

/** The strings in `from` to `to`, where no backslash is, that have escapes of these kinds. */
export function* stringsWith(
  source: ByteText,
  from: number,
  to: number,
  kinds: readonly EscapeKind[],
): Generator<StringPlace> {
  const { bytes } = source;
  const next = kinds.map((kind) => nextEscape(source, kind, from, to));
  let at = from;
  for (;;) {
    const escape = Math.min(...next);
    if (escape >= to) return;
    const quote = bytes.subarray(at, escape).lastIndexOf(QUOTE);
    const closing = bytes.subarray(escape, to).indexOf(QUOTE);
    const end = closing < 0 ? to : escape + closing;
    yield { start: quote < 0 ? at : at + quote + 1, end };
    at = end;
    for (const [index, kind] of kinds.entries()) {
      if ((next[index] as number) < at) next[index] = nextEscape(source, kind, at, to);
    }
  }
}
