import { Injectable } from '@nestjs/common';
import { Transactions, type Tx } from '../../database/transaction.js';
import { CompactRange, subtreesOf } from '../../tlog/compact-range.js';
import { edgeLevels, edgeWidth, TreeEdge } from '../../tlog/edge.js';
import { leafHash, splitHashes } from '../../tlog/hash.js';
import { consistencySpans, inclusionSpans, type Span } from '../../tlog/proof.js';
import { TILE_HEIGHT, TILE_WIDTH, tileRoot } from '../../tlog/tile.js';

/** Hashes or leaves of the log are not there that have to be: somebody took them out of the database. */
export class LogDamaged extends Error {
  override readonly name = 'LogDamaged';
  readonly code = 'log_damaged';
}

/**
 * The tree of the log, read from what is stored: whole tiles, and for the end that fills none the entries themselves.
 * Sizes are the caller's to know: each method throws {@link LogDamaged} for a tree that is not there.
 */
@Injectable()
export class LogTree {
  constructor(private readonly transactions: Transactions) {}

  /** The right edge of the tree of that size; for who goes on writing. */
  async edgeAt(size: number, tx: Tx = this.transactions.reads): Promise<TreeEdge> {
    const levels: Buffer[][] = [];
    for (let level = 0; level < edgeLevels(size); level += 1) {
      const n = Math.floor(size / TILE_WIDTH ** (level + 1));
      levels.push(await this.hashes(level, n, edgeWidth(size, level), tx));
    }
    return new TreeEdge(size, levels);
  }

  /** The root of the tree when it had that size. */
  async rootAt(size: number): Promise<Buffer> {
    return (await this.edgeAt(size)).root();
  }

  /** The first `width` hashes of tile `n` of a level. */
  async hashes(level: number, n: number, width: number, tx: Tx = this.transactions.reads): Promise<Buffer[]> {
    if (width === 0) return [];
    const found = level === 0 ? await leafHashes(tx, n, width) : await tileRoots(tx, level - 1, n, width);
    if (found.length !== width)
      throw new LogDamaged(`tile ${n} of level ${level} has ${found.length} of ${width} hashes`);
    return found;
  }

  /** Hashes that stand for `[begin, end)`, from left to right; see `CompactRange`. */
  async range(begin: number, end: number): Promise<CompactRange> {
    const range = new CompactRange(begin);
    for (const subtree of subtreesOf(begin, end)) {
      range.append(subtree.level, await this.#node(subtree.level, subtree.begin));
    }
    return range;
  }

  /** The proof that the entry is in the tree of that size, lowest hash first. */
  inclusion(index: number, size: number): Promise<Buffer[]> {
    return this.#roots(inclusionSpans(index, size));
  }

  /** The proof that the tree of `from` entries is the beginning of that of `size`. */
  consistency(from: number, size: number): Promise<Buffer[]> {
    return this.#roots(consistencySpans(from, size));
  }

  async #roots(spans: readonly Span[]): Promise<Buffer[]> {
    const roots: Buffer[] = [];
    for (const { begin, end } of spans) roots.push((await this.range(begin, end)).root());
    return roots;
  }

  async #node(level: number, begin: number): Promise<Buffer> {
    const tileLevel = Math.floor(level / TILE_HEIGHT);
    const width = 2 ** (level % TILE_HEIGHT);
    const first = begin / TILE_WIDTH ** tileLevel;
    const n = Math.floor(first / TILE_WIDTH);
    const from = first % TILE_WIDTH;
    const hashes = await this.hashes(tileLevel, n, from + width);
    return tileRoot(hashes.slice(from));
  }
}

/** From the tile where it is whole, since it outlives the entries; from the entries otherwise. */
async function leafHashes(tx: Tx, n: number, width: number): Promise<Buffer[]> {
  const [tile] = await tx.query<{ hashes: Buffer }[]>(
    'SELECT hashes FROM audit_tile WHERE level = 0 AND n = $1::bigint',
    [n],
  );
  if (tile !== undefined) return splitHashes(tile.hashes).slice(0, width);
  const rows = await tx.query<{ leaf: Buffer }[]>(
    'SELECT leaf FROM audit_entry WHERE idx >= $1::bigint AND idx < $2::bigint ORDER BY idx',
    [n * TILE_WIDTH, n * TILE_WIDTH + width],
  );
  return rows.map(({ leaf }) => leafHash(leaf));
}

async function tileRoots(tx: Tx, level: number, n: number, width: number): Promise<Buffer[]> {
  const rows = await tx.query<{ root: Buffer }[]>(
    'SELECT root FROM audit_tile WHERE level = $1 AND n >= $2::bigint AND n < $3::bigint ORDER BY n',
    [level, n * TILE_WIDTH, n * TILE_WIDTH + width],
  );
  return rows.map(({ root }) => root);
}
