import { nodeHash } from './hash.js';

/** Leaves from `begin` up to and without `end`, which some tree has as one node. */
export interface Span {
  readonly begin: number;
  readonly end: number;
}

/** The nodes that prove a leaf to be in a tree of `size` leaves, lowest first (RFC 6962 §2.1.1). */
export function inclusionSpans(index: number, size: number): Span[] {
  if (!(index >= 0 && index < size)) throw new RangeError('the tree has no such leaf');
  return path(index, 0, size);
}

function path(index: number, begin: number, end: number): Span[] {
  if (end - begin === 1) return [];
  const split = begin + largestPowerBelow(end - begin);
  return index < split
    ? [...path(index, begin, split), { begin: split, end }]
    : [...path(index, split, end), { begin, end: split }];
}

/** The nodes that prove a tree of `from` leaves to be the beginning of one of `size` leaves (RFC 6962 §2.1.2). */
export function consistencySpans(from: number, size: number): Span[] {
  if (!(from >= 0 && from <= size)) throw new RangeError('the tree is not that large');
  return from === 0 ? [] : subproof(from, 0, size, true);
}

function subproof(from: number, begin: number, end: number, known: boolean): Span[] {
  if (from === end) return known ? [] : [{ begin, end }];
  const split = begin + largestPowerBelow(end - begin);
  return from <= split
    ? [...subproof(from, begin, split, known), { begin: split, end }]
    : [...subproof(from, split, end, false), { begin, end: split }];
}

/** Whether a proof leads from a leaf to the root of a tree (RFC 9162 §2.1.3.2). Never throws for a bad proof. */
export function provesInclusion(
  leaf: Buffer,
  index: number,
  size: number,
  proof: readonly Buffer[],
  root: Buffer,
): boolean {
  if (!(index >= 0 && index < size) || !allHashes([leaf, ...proof])) return false;
  let node = index;
  let last = size - 1;
  let hash = leaf;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sibling, hash);
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else hash = nodeHash(hash, sibling);
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && hash.equals(root);
}

/** Whether a proof shows that the first tree is the beginning of the second (RFC 9162 §2.1.4.2). */
export function provesConsistency(
  first: { readonly size: number; readonly root: Buffer },
  second: { readonly size: number; readonly root: Buffer },
  proof: readonly Buffer[],
): boolean {
  if (first.size > second.size || !allHashes(proof)) return false;
  if (first.size === second.size) return proof.length === 0 && first.root.equals(second.root);
  if (first.size === 0) return proof.length === 0;
  const whole = largestPowerBelow(first.size + 1) === first.size;
  const [start, ...rest] = whole ? [first.root, ...proof] : proof;
  if (start === undefined) return false;
  let [node, last] = [first.size - 1, second.size - 1];
  while (node % 2 === 1) [node, last] = [half(node), half(last)];
  let [before, after] = [start, start];
  for (const hash of rest) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      before = nodeHash(hash, before);
      after = nodeHash(hash, after);
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else after = nodeHash(after, hash);
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && before.equals(first.root) && after.equals(second.root);
}

function allHashes(hashes: readonly Buffer[]): boolean {
  return hashes.every((hash) => hash.length === 32);
}

function half(value: number): number {
  return Math.floor(value / 2);
}

function largestPowerBelow(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}
