import type { CompactRange } from '../../tlog/compact-range.js';
import { HASH_BYTES } from '../../tlog/hash.js';
import { subtreeHashes } from '../../tlog/leaf-run.js';
import { TILE_HEIGHT, TILE_WIDTH, tilePath } from '../../tlog/tile.js';
import { ArchiveFile } from './archive-file.js';
import type { ArchiveManifest } from './archive-manifest.js';
import type { VerifyOptions } from './export-verification.js';
import { headProblem } from './head-check.js';
import { OTHER_LEAF } from './leaf-check.js';
import type { LogFolder } from './log-folder.js';
import type { Problems } from './problems.js';
import type { Scanners } from './scanners.js';
import { MOST_MISSING } from './tile-walk.js';

const ENTRIES_FILE = /\.jsonl(\.gz|\.zst)?$/;
/** A file for each class of kinds. All are open at once, so that an entry that is in two of them is found. */
const MAX_FILES = 32;
const BLOCKS_PER_THREAD = 2;
const PROGRESS_EVERY_TILES = 16;

/** Goes through a part of the log, tile by tile, and through all files of its entries beside; in memory is one tile. */
export class ArchiveWalk {
  /** Tiles that are missing or have another size. */
  missing = 0;
  /** It passed the size of the head that was expected. */
  compared = false;
  #files: readonly ArchiveFile[] = [];
  readonly #seen = new Uint8Array(TILE_WIDTH);

  constructor(
    private readonly folder: LogFolder,
    private readonly part: ArchiveManifest,
    private readonly scanners: Scanners,
    private readonly problems: Problems,
    private readonly options: VerifyOptions,
  ) {}

  /** Entries in the files. */
  get count(): number {
    return this.#files.reduce((sum, { count }) => sum + count, 0);
  }

  /** Appends the tiles to the tree before the part, and compares the entries with them. */
  async append(tree: CompactRange): Promise<void> {
    const { from_index: from, to_index: to } = this.part;
    this.#files = await this.#open();
    try {
      const end = to / TILE_WIDTH;
      let coming = this.#tile(from / TILE_WIDTH);
      for (let n = from / TILE_WIDTH; n < end; n += 1) {
        const tile = await coming;
        if (n + 1 < end) coming = this.#tile(n + 1);
        coming.catch(() => undefined);
        this.#append(tree, n, tile);
        for (const file of this.#files) await this.#entries(file, n, tile);
        this.#seen.fill(0);
        if (n % PROGRESS_EVERY_TILES === 0)
          this.options.onProgress?.({ entries: this.count, total: undefined });
        if (this.missing > MOST_MISSING) {
          this.problems.foundIn(
            pathOf(n),
            `more than ${MOST_MISSING} tiles are missing; nothing behind was read`,
          );
          break;
        }
      }
    } finally {
      await Promise.all(this.#files.map((file) => file.close()));
    }
  }

  async #open(): Promise<ArchiveFile[]> {
    const names = (await this.folder.names()).filter((name) => ENTRIES_FILE.test(name));
    for (const name of names.slice(MAX_FILES))
      this.problems.foundIn(name, `there are more than ${MAX_FILES} files of entries; it was not read`);
    const few = names.slice(0, MAX_FILES);
    const { threads } = this.scanners;
    const ahead = threads === 1 ? 0 : Math.ceil((threads * BLOCKS_PER_THREAD) / few.length);
    const options = { ahead, maxProblems: this.options.maxProblems };
    return few.map(
      (name) => new ArchiveFile(this.folder, name, this.part, this.scanners, this.problems, options),
    );
  }

  async #tile(n: number): Promise<Buffer | undefined> {
    return this.folder.read(pathOf(n));
  }

  #append(tree: CompactRange, n: number, tile: Buffer | undefined): void {
    if (tile?.length !== TILE_WIDTH * HASH_BYTES) {
      this.problems.foundIn(
        pathOf(n),
        tile === undefined ? 'the tile is missing' : 'the tile has another size',
      );
      this.missing += 1;
    }
    if (tile === undefined || this.missing > 0) return;
    const { expectedHead } = this.options;
    const problem = headProblem(expectedHead, tree, tile);
    if (problem !== undefined) this.compared = true;
    if (typeof problem === 'string') this.problems.found(problem, undefined, 0);
    tree.append(TILE_HEIGHT, subtreeHashes(0, Buffer.from(tile))[0] as Buffer);
  }

  async #entries(file: ArchiveFile, n: number, tile: Buffer | undefined): Promise<void> {
    const first = n * TILE_WIDTH;
    for (;;) {
      const entry = await file.next(first + TILE_WIDTH);
      if (entry === undefined) return;
      const { index, hash } = entry;
      const at = index - first;
      if (this.#seen[at] === 1) this.problems.foundIn(file.name, 'the entry is there twice', index);
      this.#seen[at] = 1;
      // A tile that is missing was said once.
      const same =
        tile?.length !== TILE_WIDTH * HASH_BYTES ||
        tile.compare(hash, 0, HASH_BYTES, at * HASH_BYTES, (at + 1) * HASH_BYTES) === 0;
      const problem = same ? entry.problem : OTHER_LEAF;
      if (problem !== undefined) this.problems.foundIn(file.name, problem, index);
    }
  }
}

function pathOf(n: number): string {
  return tilePath({ level: 0, n, width: TILE_WIDTH });
}
