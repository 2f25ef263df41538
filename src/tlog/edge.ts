import { CompactRange } from './compact-range.js';
import { TILE_HEIGHT, TILE_WIDTH, tileRoot } from './tile.js';

/** A tile that became whole. */
export interface WholeTile {
  readonly level: number;
  readonly n: number;
  readonly hashes: readonly Buffer[];
  /** What the level above has for it. */
  readonly root: Buffer;
}

/**
 * The right edge of the tree: of each level of tiles the hashes that do not fill a tile yet. It is all that has to be
 * known of a log to go on writing it.
 */
export class TreeEdge {
  readonly #levels: Buffer[][];
  #size: number;

  /** The edge of a tree of `size` leaves; `levels` are the hashes of its partial tiles, lowest first. */
  constructor(size = 0, levels: readonly (readonly Buffer[])[] = []) {
    this.#size = size;
    this.#levels = levels.map((hashes) => [...hashes]);
    if (this.#levels.some((hashes, level) => hashes.length !== edgeWidth(size, level)))
      throw new RangeError('these are not the partial tiles of a tree of that size');
  }

  get size(): number {
    return this.#size;
  }

  /** Adds a leaf; answers the tiles that it made whole, lowest first. */
  append(leaf: Buffer): readonly WholeTile[] {
    this.#size += 1;
    const whole: WholeTile[] = [];
    let hash = leaf;
    for (let level = 0; ; level += 1) {
      const hashes = (this.#levels[level] ??= []);
      hashes.push(hash);
      if (hashes.length < TILE_WIDTH) return whole;
      hash = tileRoot(hashes);
      whole.push({ level, n: this.#size / TILE_WIDTH ** (level + 1) - 1, hashes, root: hash });
      this.#levels[level] = [];
    }
  }

  /** The root of the tree as it is now. */
  root(): Buffer {
    const range = new CompactRange();
    for (let level = this.#levels.length - 1; level >= 0; level -= 1) {
      for (const hash of this.#levels[level] ?? []) range.append(level * TILE_HEIGHT, hash);
    }
    return range.root();
  }
}

/** Hashes in the partial tile of a level of a tree of `size` leaves; 0 where the last tile is whole. */
export function edgeWidth(size: number, level: number): number {
  return Math.floor(size / TILE_WIDTH ** level) % TILE_WIDTH;
}

/** Levels of tiles in a tree of `size` leaves. */
export function edgeLevels(size: number): number {
  let levels = 0;
  while (Math.floor(size / TILE_WIDTH ** levels) > 0) levels += 1;
  return levels;
}
