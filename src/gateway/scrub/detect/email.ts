import { byteClass, DIGITS, LOWER, UPPER } from '../byte-class.js';
import { nextByte, type ByteText } from '../byte-text.js';
import type { Emit } from '../span.js';

const AT = 0x40;
const MAX_LOCAL_BYTES = 64;
/** `atext` of RFC 5322 §3.2.3 and dots, without what separates addresses from their surroundings in URLs and code. */
const LOCAL = byteClass(`${DIGITS}${UPPER}${LOWER}.!#$%&'*+-^_~`);
/** At least two labels, the last one letters or IDN; `xn--` and UTF-8 included. */
const DOMAIN =
  /(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}(?:xn--[A-Za-z0-9-]{2,59}|[A-Za-z]{2,24})(?![A-Za-z0-9_-]|\.[A-Za-z0-9])/y;
/** What ends the names of files and versions and is no top-level domain: `icon@2x.png`, `app@1.2.js`. */
const NOT_TOP_LEVEL = new Set(
  'png jpg jpeg gif svg webp avif ico bmp css scss less js mjs cjs jsx ts tsx json map html htm xml yaml yml txt csv pdf gz tgz tar exe dll jar war class cpp lock log wasm woff ttf mp4 webm local internal localhost lan'.split(
    ' ',
  ),
);

/** Finds e-mail addresses; not the `user@host` of URLs and of `git@host:path`, nor `name@version`. */
export function findEmails(source: ByteText, from: number, to: number, emit: Emit): void {
  const { bytes } = source;
  let resume = from;
  for (let at = nextByte(bytes, AT, from, to); at < to; at = nextByte(bytes, AT, at + 1, to)) {
    const { text } = source;
    let start = at;
    const limit = Math.max(resume, at - MAX_LOCAL_BYTES);
    while (start > limit && LOCAL[bytes[start - 1] as number] === 1) start -= 1;
    while (start < at && !/[A-Za-z0-9_]/.test(text.charAt(start))) start += 1;
    if (start === at || text.charAt(at - 1) === '.') continue;
    DOMAIN.lastIndex = at + 1;
    if (!DOMAIN.test(text) || DOMAIN.lastIndex > to) continue;
    const end = DOMAIN.lastIndex;
    const topLevel = text.slice(text.lastIndexOf('.', end - 1) + 1, end).toLowerCase();
    if (NOT_TOP_LEVEL.has(topLevel) || isUserInfo(text, start, end)) continue;
    emit(start, end, 'email');
    resume = end;
  }
}

/** Whether it is what stands before the host of a URL, or a remote of git or scp. */
function isUserInfo(text: string, start: number, end: number): boolean {
  if (text.startsWith('//', start - 2)) return true;
  return /^:[A-Za-z~/]/.test(text.slice(end, end + 2)) && text.slice(start, end).startsWith('git@');
}
