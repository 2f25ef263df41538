import { HASH_BYTES } from '../../tlog/hash.js';
import { subtreeHashes } from '../../tlog/leaf-run.js';
import { TILE_WIDTH, tilePath } from '../../tlog/tile.js';
import type { LogFolder } from './log-folder.js';
import type { Problems } from './problems.js';

/** The hashes of a tile that is being filled, and which one it is. */
interface Filling {
  readonly hashes: Buffer;
  n: number;
  width: number;
}

/** The tiles above the lowest: each has to follow from those below it. Keeps one tile of each level. */
export class UpperTiles {
  readonly #levels: Filling[] = [];

  constructor(
    private readonly folder: LogFolder,
    private readonly problems: Problems,
  ) {}

  /** The root of the next whole tile of the lowest level. */
  async add(root: Uint8Array): Promise<void> {
    await this.#add(1, root);
  }

  /** Looks at the tiles that are not full at the end of the log. */
  async finish(): Promise<void> {
    for (const [at, { width }] of this.#levels.entries()) if (width > 0) await this.#compare(at + 1);
  }

  async #add(level: number, hash: Uint8Array): Promise<void> {
    const tile = (this.#levels[level - 1] ??= {
      hashes: Buffer.alloc(TILE_WIDTH * HASH_BYTES),
      n: 0,
      width: 0,
    });
    tile.hashes.set(hash, tile.width * HASH_BYTES);
    tile.width += 1;
    if (tile.width < TILE_WIDTH) return;
    await this.#compare(level);
    tile.n += 1;
    tile.width = 0;
    await this.#add(level + 1, subtreeHashes(0, Buffer.from(tile.hashes))[0] as Buffer);
  }

  async #compare(level: number): Promise<void> {
    const { hashes, n, width } = this.#levels[level - 1] as Filling;
    const path = tilePath({ level, n, width });
    // Of a folder that has grown on since its checkpoint: the beginning of the whole tile.
    const bytes =
      (await this.folder.read(path)) ??
      (await this.folder.read(tilePath({ level, n, width: TILE_WIDTH })))?.subarray(0, width * HASH_BYTES);
    if (bytes?.length !== width * HASH_BYTES)
      this.problems.foundIn(path, bytes === undefined ? 'the tile is missing' : 'the tile has another size');
    else if (!bytes.equals(hashes.subarray(0, width * HASH_BYTES)))
      this.problems.foundIn(path, 'the tile does not follow from the tiles below it');
  }
}
