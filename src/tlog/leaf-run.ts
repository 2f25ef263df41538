import { hash } from 'node:crypto';
import { HASH_BYTES } from './hash.js';

/**
 * The hashes of the fewest whole subtrees that stand for leaves from `begin` on, given the hashes of the leaves one after
 * another: what `CompactRange.of` takes. Many times as fast as adding leaf by leaf, and it overwrites what it is given.
 */
export function subtreeHashes(begin: number, leaves: Buffer): Buffer[] {
  const pair = Buffer.alloc(1 + 2 * HASH_BYTES);
  pair[0] = 0x01;
  const left: Buffer[] = [];
  const right: Buffer[] = [];
  let first = begin;
  let at = 0;
  let count = leaves.length / HASH_BYTES;
  while (count > 0) {
    if (first % 2 === 1) {
      left.push(Buffer.from(leaves.subarray(at, at + HASH_BYTES)));
      at += HASH_BYTES;
      first += 1;
      count -= 1;
    }
    if (count % 2 === 1) {
      const last = at + (count - 1) * HASH_BYTES;
      right.unshift(Buffer.from(leaves.subarray(last, last + HASH_BYTES)));
      count -= 1;
    }
    // A parent is written where its left child began, or before it: never over a node that is still to be read.
    for (let n = 0; n < count / 2; n += 1) {
      const from = at + 2 * n * HASH_BYTES;
      leaves.copy(pair, 1, from, from + 2 * HASH_BYTES);
      leaves.write(hash('sha256', pair, 'binary'), n * HASH_BYTES, HASH_BYTES, 'latin1');
    }
    at = 0;
    first /= 2;
    count /= 2;
  }
  return [...left, ...right];
}
