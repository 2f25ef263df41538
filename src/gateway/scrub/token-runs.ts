import {
  BASE64_BEGINNINGS,
  base64View,
  HEX_BEGINNINGS,
  hexView,
  MIN_ENCODED_CHARACTERS,
} from './base64-view.js';
import { byteClass, DIGITS, findRun, LOWER, runEnd, UPPER } from './byte-class.js';
import type { ByteText } from './byte-text.js';
import { findKey, KEY_BEGINNINGS } from './detect/key.js';
import type { Emit } from './span.js';
import type { View } from './view.js';

const JOINTS = '_-.+/=';
/** What keys, base64 and hexadecimal are written with, with what joins their words. */
const TOKEN = byteClass(`${DIGITS}${UPPER}${LOWER}${JOINTS}`);
const JOINT = 1;
const KEY = 2;
const BASE64 = 4;
const HEX = 8;
/** What may begin with a byte, as bits; one look is enough for most words. */
const TRAITS = traits();

/** What to do with what words turn out to be. */
export interface TokenVisitor {
  /** Undefined where keys are not looked for. */
  readonly key: Emit | undefined;
  /** Undefined where nothing is looked into any further. */
  readonly encoded: ((view: View) => void) | undefined;
}

/** Finds keys, and text in base64 or hexadecimal, in all words that are long enough. */
export function walkTokens(source: ByteText, from: number, to: number, visitor: TokenVisitor): void {
  const { bytes } = source;
  // Base64 may go on over line ends; what was read with the lines before is not read again.
  let readTo = from;
  for (let at = findRun(bytes, from, to, TOKEN, MIN_ENCODED_CHARACTERS); at >= 0;) {
    const end = runEnd(bytes, at, to, TOKEN);
    readTo = Math.max(
      readTo,
      walkRun(source, at, end, to, at < readTo ? { ...visitor, encoded: undefined } : visitor),
    );
    at = findRun(bytes, end, to, TOKEN, MIN_ENCODED_CHARACTERS);
  }
}

function walkRun(
  source: ByteText,
  from: number,
  end: number,
  to: number,
  { key, encoded }: TokenVisitor,
): number {
  const { bytes } = source;
  // What was read from one place on need not be read again from another that is a whole group later.
  const read = [0, 0, 0, 0];
  let readHex = 0;
  let furthest = end;
  let begins = true;
  for (let at = from; at + MIN_ENCODED_CHARACTERS <= end; at += 1) {
    const trait = TRAITS[bytes[at] as number] as number;
    if (begins && trait > JOINT) {
      if (key !== undefined && (trait & KEY) !== 0) {
        const keyEnd = findKey(source, at, end, key);
        if (keyEnd > at) {
          at = keyEnd - 1;
          begins = false;
          continue;
        }
      }
      if (encoded !== undefined && (trait & BASE64) !== 0 && at >= (read[at & 3] as number)) {
        const view = base64View(bytes, at, to);
        if (view !== undefined) {
          encoded(view);
          const last = view.sourceEnd(view.content.length);
          read[at & 3] = last;
          furthest = Math.max(furthest, last);
        }
      }
      if (encoded !== undefined && (trait & HEX) !== 0 && at >= readHex) {
        const view = hexView(bytes, at, end);
        if (view !== undefined) {
          encoded(view);
          readHex = view.sourceEnd(view.content.length);
        }
      }
    }
    begins = (trait & JOINT) !== 0;
  }
  return furthest;
}

function traits(): Uint8Array {
  const joints = byteClass(JOINTS);
  return TOKEN.map((_, byte) => {
    const joint = joints[byte] === 1 ? JOINT : 0;
    const key = KEY_BEGINNINGS[byte] === 1 ? KEY : 0;
    const base64 = BASE64_BEGINNINGS[byte] === 1 ? BASE64 : 0;
    return joint | key | base64 | (HEX_BEGINNINGS[byte] === 1 ? HEX : 0);
  });
}
