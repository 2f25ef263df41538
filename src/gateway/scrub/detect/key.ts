import { byteClass, type ByteClass } from '../byte-class.js';
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

/** Bytes that a key begins with. */
export const KEY_BEGINNINGS: ByteClass = byteClass(
  KEY_FORMATS.flatMap(({ beginnings }) => beginnings.map((beginning) => beginning.charAt(0))).join(''),
);

/** Where the key that begins at `at` and ends by `to` ends; `at` where none does. Reports it. */
export function findKey(source: ByteText, at: number, to: number, emit: Emit): number {
  const pair = pairAt(source.bytes, at);
  if (PAIRS[pair] === 0) return at;
  for (const { name, beginnings, endOf } of BY_PAIR.get(pair) ?? []) {
    if (!beginnings.some((beginning) => startsWith(source.bytes, beginning, at))) continue;
    const end = endOf(source.text, at);
    if (end === at || end > to) continue;
    emit(at, end, `key/${name}`);
    return end;
  }
  return at;
}

function pairAt(bytes: Buffer, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
}

function startsWith(bytes: Buffer, beginning: string, at: number): boolean {
  for (let index = 2; index < beginning.length; index += 1) {
    if (bytes[at + index] !== beginning.charCodeAt(index)) return false;
  }
  return pairAt(bytes, at) === (beginning.charCodeAt(0) | (beginning.charCodeAt(1) << 8));
}
