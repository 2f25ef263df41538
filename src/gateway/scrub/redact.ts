import { byteClass, DIGITS, LOWER, runEnd, UPPER } from './byte-class.js';
import { marker, type Span } from './span.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;
/** Numbers, `true`, `false`, `null`. */
const SCALAR = byteClass(`${DIGITS}${UPPER}${LOWER}+-.`);
const IS_SCALAR = /^(?:-?\d[\d.eE+-]*|true|false|null)$/;
const STRUCTURE = byteClass('{}[]:, \t\r\n\x1e');

/** Where in a JSON text something begins: a stream of JSON is looked through in pieces. */
export interface JsonState {
  readonly inString: boolean;
}

interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly by: string;
}

/** Puts markers into places of a text. */
export function redactText(bytes: Buffer, spans: readonly Span[]): Buffer {
  return replaced(
    bytes,
    spans.map(({ start, end, kind }) => ({ start, end, by: marker(kind) })),
  );
}

/**
 * Puts markers into places of a JSON text so that it stays one: what a place has of a string becomes a marker, whole
 * escapes at a time; of a number or another scalar it takes all and makes it a string; the marks between them stay.
 * Undefined where a place lies in something that is not JSON.
 */
export function redactJson(bytes: Buffer, spans: readonly Span[], state: JsonState): Buffer | undefined {
  const replacements: Replacement[] = [];
  let { inString } = state;
  let at = 0;
  for (const span of spans) {
    const by = marker(span.kind);
    while (at < span.end && at < bytes.length) {
      const byte = bytes[at] as number;
      if (byte === QUOTE) {
        inString = !inString;
        at += 1;
      } else if (inString) {
        const start = at;
        if (at + unitBytes(bytes, at) > span.start) {
          while (at < span.end && at < bytes.length && bytes[at] !== QUOTE) at += unitBytes(bytes, at);
          at = Math.min(at, bytes.length);
          replacements.push({ start, end: at, by });
        } else {
          at += unitBytes(bytes, at);
        }
      } else if (SCALAR[byte] === 1) {
        const start = at;
        at = runEnd(bytes, at, bytes.length, SCALAR);
        if (at <= span.start) continue;
        if (!IS_SCALAR.test(bytes.toString('latin1', start, at))) return undefined;
        replacements.push({ start, end: at, by: `"${by}"` });
      } else {
        if (at >= span.start && STRUCTURE[byte] === 0) return undefined;
        at += 1;
      }
    }
  }
  return replaced(bytes, replacements);
}

/** Where JSON stands after these bytes. */
export function jsonStateAfter(bytes: Buffer, { inString }: JsonState): JsonState {
  let within = inString;
  for (let at = 0; at < bytes.length; at += 1) {
    if (bytes[at] === QUOTE) within = !within;
    else if (within && bytes[at] === BACKSLASH) at += 1;
  }
  return { inString: within };
}

function unitBytes(bytes: Buffer, at: number): number {
  if (bytes[at] !== BACKSLASH) return 1;
  return bytes[at + 1] === LETTER_U ? 6 : 2;
}

function replaced(bytes: Buffer, replacements: readonly Replacement[]): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (const { start, end, by } of replacements) {
    parts.push(bytes.subarray(at, start), Buffer.from(by, 'latin1'));
    at = end;
  }
  parts.push(bytes.subarray(at));
  return Buffer.concat(parts);
}
