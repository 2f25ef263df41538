import { CompactRange } from '../../tlog/compact-range.js';
import { HASH_BYTES, splitHashes } from '../../tlog/hash.js';
import { subtreeHashes } from '../../tlog/leaf-run.js';
import { leavesOf, TILE_HEIGHT, TILE_WIDTH, tilePath, widthAt, type TileName } from '../../tlog/tile.js';
import type { ExpectedHead, VerifyProgress } from './export-verification.js';
import { LeafCheck } from './leaf-check.js';
import type { LogFolder } from './log-folder.js';
import type { Problems } from './problems.js';

/** The part of a log that a folder should have. */
export interface FolderRange {
  /** Leaves of the tree. */
  readonly size: number;
  /** The entries that should be there; of the others the hashes are. */
  readonly from: number;
  readonly to: number;
}

/** Reads the tiles of a log (https://c2sp.org/tlog-tiles), and the entries below them. */
export class TileFolder {
  /** Entries that were read. */
  count = 0;
  /** A tile is missing or has the wrong size, so that the root cannot be known. */
  broken = false;
  readonly #leaf = new LeafCheck();

  constructor(
    private readonly folder: LogFolder,
    private readonly problems: Problems,
    private readonly onProgress: ((progress: VerifyProgress) => void) | undefined,
  ) {}

  /** The tree over the lowest tiles, each compared with its entries; and that the tiles above follow from them. */
  async tree({ size, from, to }: FolderRange, expected: ExpectedHead | undefined): Promise<CompactRange> {
    const range = new CompactRange();
    const roots: Buffer[] = [];
    for (let n = 0; n * TILE_WIDTH < size; n += 1) {
      const first = n * TILE_WIDTH;
      const width = widthAt(0, n, size);
      const tile = await this.#tile({ level: 0, n, width });
      if (tile === undefined) continue;
      if (first < to && first + width > from) await this.#entries(n, tile, { size, from, to });
      if (this.broken) continue;
      if (expected !== undefined && expected.size > first && expected.size <= first + width)
        this.#compareHead(range, tile, expected);
      if (width === TILE_WIDTH) {
        const root = subtreeHashes(0, Buffer.from(tile))[0] as Buffer;
        range.append(TILE_HEIGHT, root);
        roots.push(root);
      } else for (const hash of splitHashes(tile)) range.append(0, hash);
    }
    if (!this.broken) await this.#above(roots, size);
    return range;
  }

  /** The tile in whole hashes; undefined, and said, when it is not there as it should be. */
  async #tile(name: TileName): Promise<Buffer | undefined> {
    const path = tilePath(name);
    const bytes = (await this.folder.read(path)) ?? (await this.#cut(name));
    if (bytes?.length === name.width * HASH_BYTES) return bytes;
    this.broken ||= name.level === 0;
    this.problems.foundIn(path, bytes === undefined ? 'the tile is missing' : 'the tile has another size');
    return undefined;
  }

  /** Of a folder that has grown on since its checkpoint: the beginning of the whole tile. */
  async #cut({ level, n, width }: TileName): Promise<Buffer | undefined> {
    const whole = await this.folder.read(tilePath({ level, n, width: TILE_WIDTH }));
    return whole?.subarray(0, width * HASH_BYTES);
  }

  async #entries(n: number, tile: Buffer, { size, from, to }: FolderRange): Promise<void> {
    const width = tile.length / HASH_BYTES;
    const path = tilePath({ level: 'entries', n, width });
    const bytes =
      (await this.folder.read(path)) ??
      (await this.folder.read(tilePath({ level: 'entries', n, width: TILE_WIDTH })));
    const first = n * TILE_WIDTH;
    if (bytes === undefined) {
      this.problems.foundIn(path, `entries ${first} to ${first + width - 1} are missing`);
      return;
    }
    let leaves: Buffer[];
    try {
      leaves = leavesOf(bytes);
    } catch {
      this.problems.foundIn(path, 'the bundle ends in the middle of an entry');
      return;
    }
    if (leaves.length < width || (leaves.length > width && leaves.length !== TILE_WIDTH))
      this.problems.foundIn(path, `the bundle has ${leaves.length} entries, and ${width} were expected`);
    for (const [at, leaf] of leaves.slice(0, width).entries()) {
      const problem = this.#leaf.problemOf(leaf, tile.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES));
      if (problem !== undefined) this.problems.foundIn(path, problem, first + at);
    }
    this.count += Math.min(leaves.length, width);
    if (n % 16 === 0) this.onProgress?.({ entries: this.count, total: Math.min(to, size) - from });
  }

  #compareHead(before: CompactRange, tile: Buffer, { size, rootHash }: ExpectedHead): void {
    const range = before.copy();
    for (const hash of splitHashes(tile).slice(0, size - before.end)) range.append(0, hash);
    if (range.root().toString('hex') !== rootHash)
      this.problems.found(
        `the log at size ${size} is not the one that was expected: its root is another one`,
        undefined,
        0,
      );
  }

  async #above(roots: readonly Buffer[], size: number): Promise<void> {
    let below = roots;
    for (let level = 1; below.length > 0; level += 1) {
      const next: Buffer[] = [];
      for (let n = 0; n * TILE_WIDTH < below.length; n += 1) {
        const hashes = Buffer.concat(below.slice(n * TILE_WIDTH, (n + 1) * TILE_WIDTH));
        const name = { level, n, width: widthAt(level, n, size) };
        const tile = await this.#tile(name);
        if (tile !== undefined && !tile.equals(hashes))
          this.problems.foundIn(tilePath(name), 'the tile does not follow from the tiles below it');
        if (name.width === TILE_WIDTH) next.push(subtreeHashes(0, hashes)[0] as Buffer);
      }
      below = next;
    }
  }
}
