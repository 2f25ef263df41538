import { HASH_BYTES } from '../../tlog/hash.js';
import { subtreeHashes } from '../../tlog/leaf-run.js';
import { leavesOf, TILE_WIDTH, tilePath, widthAt } from '../../tlog/tile.js';
import type { ExportProblem } from './export-verification.js';
import { bytesIn, type FileSource } from './file-source.js';
import { LeafCheck } from './leaf-check.js';
import { Problems } from './problems.js';

/** Lowest tiles of a log, one after another, and the entries below them. */
export interface TileTask {
  readonly source: FileSource;
  /** The tiles `[first, end)` of a tree with `size` leaves. */
  readonly first: number;
  readonly end: number;
  readonly size: number;
  /** The entries `[from, to)` should be there; of the others only the hashes are looked at. */
  readonly from: number;
  readonly to: number;
  /** A whole tile whose hashes are wanted and not their root alone. */
  readonly wanted: number | undefined;
  readonly maxProblems: number | undefined;
}

/** What there is of one tile: 32 bytes, its root, or where it is partial or wanted, all its hashes. */
export type ScannedTile = Uint8Array | undefined;

/** What was found in tiles. */
export interface TileScan {
  readonly tiles: readonly ScannedTile[];
  /** Entries that were read. */
  readonly count: number;
  readonly problems: readonly ExportProblem[];
  readonly problemCount: number;
}

/** The paths that a scan of these tiles may read. */
export function tilePaths(first: number, end: number, size: number): string[] {
  const paths = new Set<string>();
  for (let n = first; n < end; n += 1)
    for (const level of [0, 'entries'] as const)
      for (const width of [widthAt(0, n, size), TILE_WIDTH]) paths.add(tilePath({ level, n, width }));
  return [...paths];
}

/** Reads tiles and compares the entries below with them. */
export class TileScanner {
  readonly #leaf = new LeafCheck();

  scan(task: TileTask): TileScan {
    const problems = new Problems(task.maxProblems);
    const tiles: ScannedTile[] = [];
    let count = 0;
    for (let n = task.first; n < task.end; n += 1) {
      const tile = this.#tile(task, n, problems);
      const first = n * TILE_WIDTH;
      if (tile !== undefined && first < task.to && first + tile.length / HASH_BYTES > task.from)
        count += this.#entries(task, n, tile, problems);
      const whole = tile?.length === TILE_WIDTH * HASH_BYTES && n !== task.wanted;
      tiles.push(whole ? subtreeHashes(0, Buffer.from(tile))[0] : tile);
    }
    return { tiles, count, problems: problems.listed, problemCount: problems.count };
  }

  /** The tile in whole hashes; undefined, and said, when it is not there as it should be. */
  #tile({ source, size }: TileTask, n: number, problems: Problems): Buffer | undefined {
    const width = widthAt(0, n, size);
    const path = tilePath({ level: 0, n, width });
    // Of a folder that has grown on since its checkpoint: the beginning of the whole tile.
    const bytes =
      bytesIn(source, path) ??
      bytesIn(source, tilePath({ level: 0, n, width: TILE_WIDTH }))?.subarray(0, width * HASH_BYTES);
    if (bytes?.length === width * HASH_BYTES) return bytes;
    problems.foundIn(path, bytes === undefined ? 'the tile is missing' : 'the tile has another size');
    return undefined;
  }

  /** Answers how many there were. */
  #entries({ source }: TileTask, n: number, tile: Buffer, problems: Problems): number {
    const width = tile.length / HASH_BYTES;
    const path = tilePath({ level: 'entries', n, width });
    const bytes =
      bytesIn(source, path) ?? bytesIn(source, tilePath({ level: 'entries', n, width: TILE_WIDTH }));
    const first = n * TILE_WIDTH;
    if (bytes === undefined) {
      problems.foundIn(path, `entries ${first} to ${first + width - 1} are missing`);
      return 0;
    }
    let leaves: Buffer[];
    try {
      leaves = leavesOf(bytes);
    } catch {
      problems.foundIn(path, 'the bundle ends in the middle of an entry');
      return 0;
    }
    if (leaves.length < width || (leaves.length > width && leaves.length !== TILE_WIDTH))
      problems.foundIn(path, `the bundle has ${leaves.length} entries, and ${width} were expected`);
    for (const [at, leaf] of leaves.slice(0, width).entries()) {
      const problem = this.#leaf.problemOf(leaf, tile.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES));
      if (problem !== undefined) problems.foundIn(path, problem, first + at);
    }
    return Math.min(leaves.length, width);
  }
}
