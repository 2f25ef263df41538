import { EMPTY_ROOT, nodeHash } from './hash.js';

interface Node {
  readonly level: number;
  /** Index of its first leaf. */
  readonly begin: number;
  readonly hash: Buffer;
}

/** A whole subtree: `2^level` leaves from `begin` on. */
export interface Subtree {
  readonly level: number;
  readonly begin: number;
}

/**
 * The fewest hashes that stand for the leaves from `begin` up to and without `end`, in any tree that has them. Ranges
 * that touch can be joined, so parts of a log can be hashed apart and put together.
 */
export class CompactRange {
  readonly #nodes: Node[] = [];
  #end: number;

  constructor(readonly begin = 0) {
    this.#end = begin;
  }

  /** The range `[begin, end)` of which these are the hashes, in order. Throws when it takes another number of them. */
  static of(begin: number, end: number, hashes: readonly Buffer[]): CompactRange {
    const range = new CompactRange(begin);
    const subtrees = subtreesOf(begin, end);
    if (subtrees.length !== hashes.length) throw new RangeError('the range has another number of hashes');
    subtrees.forEach(({ level }, at) => range.append(level, hashes[at] as Buffer));
    return range;
  }

  get end(): number {
    return this.#end;
  }

  /** The hashes, from left to right. */
  get hashes(): Buffer[] {
    return this.#nodes.map(({ hash }) => hash);
  }

  /** Adds a whole subtree of `2^level` leaves behind the last one. Throws where no such subtree can stand. */
  append(level: number, hash: Buffer): void {
    const size = 2 ** level;
    if (this.#end % size !== 0) throw new RangeError(`no subtree of ${size} leaves begins at ${this.#end}`);
    let node: Node = { level, begin: this.#end, hash };
    this.#end += size;
    for (let left = this.#nodes.at(-1); left !== undefined; left = this.#nodes.at(-1)) {
      const parent = 2 ** (node.level + 1);
      if (left.level !== node.level || left.begin % parent !== 0) break;
      this.#nodes.pop();
      node = { level: node.level + 1, begin: left.begin, hash: nodeHash(left.hash, node.hash) };
    }
    this.#nodes.push(node);
  }

  /** Adds the range that begins where this one ends. */
  join(right: CompactRange): void {
    if (right.begin !== this.#end) throw new RangeError('the ranges do not touch');
    for (const { level, hash } of right.#nodes) this.append(level, hash);
  }

  /** A copy that goes its own way from here. */
  copy(): CompactRange {
    const copy = new CompactRange(this.begin);
    copy.#nodes.push(...this.#nodes);
    copy.#end = this.#end;
    return copy;
  }

  /**
   * The hash of all of it as one tree (RFC 6962 §2.1). Only of a range that a tree can have as one node: one that
   * begins at 0, or at a multiple of the size of its first subtree that is also its largest.
   */
  root(): Buffer {
    const last = this.#nodes.at(-1);
    if (last === undefined) return EMPTY_ROOT;
    return this.#nodes.slice(0, -1).reduceRight((right, { hash }) => nodeHash(hash, right), last.hash);
  }
}

/** The fewest whole subtrees that make up `[begin, end)`, from left to right. */
export function subtreesOf(begin: number, end: number): Subtree[] {
  const subtrees: Subtree[] = [];
  for (let at = begin; at < end;) {
    let level = 0;
    while (at % 2 ** (level + 1) === 0 && at + 2 ** (level + 1) <= end) level += 1;
    subtrees.push({ level, begin: at });
    at += 2 ** level;
  }
  return subtrees;
}
