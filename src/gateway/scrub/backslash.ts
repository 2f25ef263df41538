import { utf8Text } from './byte-text.js';
import type { Escape } from './escape.js';

const SHORT: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};
const UNICODE = /\\u([0-9A-Fa-f]{4})/y;
const UNICODE_LONG = /\\(?:u\{0{0,8}([0-9A-Fa-f]{1,6})\}|U([0-9A-Fa-f]{8}))/y;
const BYTE = /\\x([0-9A-Fa-f]{2})/y;

/** Reads an escape that begins with a backslash: those of JSON, and `\xHH`, `\u{…}`, `\UHHHHHHHH`. */
export function readBackslash(text: string, at: number, to: number): Escape | undefined {
  const letter = text.charAt(at + 1);
  const short = SHORT[letter];
  let escape: Escape | undefined;
  if (short !== undefined) escape = { end: at + 2, stands: short };
  else if (letter === 'u' || letter === 'U') escape = readUnicode(text, at);
  else if (letter === 'x') {
    const code = hexAt(BYTE, text, at);
    if (code !== undefined) escape = { end: BYTE.lastIndex, stands: String.fromCharCode(code) };
  }
  return escape === undefined || escape.end > to ? undefined : escape;
}

function readUnicode(text: string, at: number): Escape | undefined {
  const unit = hexAt(UNICODE, text, at);
  if (unit === undefined) {
    const code = hexAt(UNICODE_LONG, text, at);
    if (code === undefined || code > 0x10_ffff) return undefined;
    return { end: UNICODE_LONG.lastIndex, stands: utf8Text(String.fromCodePoint(code)) };
  }
  const end = UNICODE.lastIndex;
  if (unit < 0xd800 || unit > 0xdbff) return { end, stands: utf8Text(String.fromCharCode(unit)) };
  const second = hexAt(UNICODE, text, end);
  if (second === undefined || second < 0xdc00 || second > 0xdfff) return { end, stands: utf8Text('\ufffd') };
  return { end: UNICODE.lastIndex, stands: utf8Text(String.fromCharCode(unit, second)) };
}

function hexAt(expression: RegExp, text: string, at: number): number | undefined {
  expression.lastIndex = at;
  const found = expression.exec(text);
  const digits = found?.[1] ?? found?.[2];
  return digits === undefined ? undefined : Number.parseInt(digits, 16);
}
