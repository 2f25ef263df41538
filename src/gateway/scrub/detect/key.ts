import { ALPHANUMERIC } from '../byte-class.js';
import type { ByteText } from '../byte-text.js';
import type { Emit } from '../span.js';
import { KEY_FORMATS, type KeyFormat } from './key-formats.js';

/** Formats by their first two bytes, and one bit for each pair so that most words cost one look. */
const BY_PAIR = new Map<number, KeyFormat[]>();
const PAIRS = new Uint8Array(65_536);
for (const format of KEY_FORMATS) {
  for (const pair of new Set(format.beginnings.map((beginning) => pairAt(Buffer.from(beginning), 0)))) {
    BY_PAIR.set(pair, [...(BY_PAIR.get(pair) ?? []), format]);
    PAIRS[pair] = 1;
  }
}

/** Finds keys that begin with a word of this run of word characters, and end in it. */
export function findKeys({ bytes, text }: ByteText, from: number, to: number, emit: Emit): void {
  let wordBegins = true;
  for (let at = from; at < to - 1; at += 1) {
    if (wordBegins && PAIRS[pairAt(bytes, at)] === 1) {
      const end = keyEnd(bytes, text, at, to, emit);
      if (end > at) {
        at = end - 1;
        wordBegins = false;
        continue;
      }
    }
    wordBegins = ALPHANUMERIC[bytes[at] as number] === 0;
  }
}

function keyEnd(bytes: Buffer, text: string, at: number, to: number, emit: Emit): number {
  for (const { name, beginnings, endOf } of BY_PAIR.get(pairAt(bytes, at)) ?? []) {
    if (!beginnings.some((beginning) => text.startsWith(beginning, at))) continue;
    const end = endOf(text, at);
    if (end === at || end > to) continue;
    emit(at, end, `key/${name}`);
    return end;
  }
  return at;
}

function pairAt(bytes: Buffer, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
}
