import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { Transactions } from '../../database/transaction.js';
import { Settings } from '../../settings/schema.js';
import { CompactRange } from '../../tlog/compact-range.js';
import { leafHash } from '../../tlog/hash.js';
import { TILE_HEIGHT, TILE_WIDTH, tilePath, tileRoot } from '../../tlog/tile.js';
import { Checkpoints } from '../log/checkpoints.js';
import { LogTree } from '../log/log-tree.js';
import {
  ArchiveDamaged,
  partFolder,
  readEntries,
  removeAbandoned,
  sha256Of,
  writeEntries,
  writeWhole,
  type ArchivedEntry,
} from './archive-files.js';
import type { ClosedRange } from './part-rebuild.js';

/** Entries in memory at once. */
const PAGE = 500;

/** A file of an archive. */
export interface ArchiveFile {
  /** Below the folder of the archives. */
  readonly file: string;
  /** Hex. */
  readonly sha256: string;
  readonly entries: number;
}

/**
 * Files of archived entries: per part a folder with the tiles of its hashes, `manifest.json` that leads from them to the
 * root of the log, and a file per class of kinds.
 */
@Injectable()
export class LogArchive {
  constructor(
    private readonly settings: Settings,
    private readonly transactions: Transactions,
    private readonly tree: LogTree,
    private readonly checkpoints: Checkpoints,
  ) {}

  /** The folder of all archives; undefined where there is none. */
  get directory(): string | undefined {
    return this.settings.values.audit.retention.directory;
  }

  /** Writes the entries of these kinds; they are not verified yet. */
  async write(range: ClosedRange, name: string, kinds: readonly string[]): Promise<ArchiveFile> {
    const file = fileOf(range, name);
    await this.#writeTree(range, this.path(partFolder(range.fromIndex, range.toIndex)));
    const entries = await writeEntries(this.path(file), this.#entries(range, kinds));
    return { file, entries, sha256: await sha256Of(this.path(file)) };
  }

  /**
   * Reads a file again: its checksum, how many entries it has, and that each is the one that the tree has at its place. The
   * tiles that are compared with lead to the root of the log. Throws {@link ArchiveDamaged}, saying what is wrong where.
   */
  async verify(range: ClosedRange, { file, sha256, entries }: ArchiveFile): Promise<void> {
    if ((await sha256Of(this.path(file))) !== sha256)
      throw new ArchiveDamaged(`${file} is not the file that was written: its SHA-256 differs`);
    await this.#verifyTree(range);
    let count = 0;
    for await (const page of this.read(range, file)) count += page.length;
    if (count !== entries) throw new ArchiveDamaged(`${file} has ${count} of ${entries} entries`);
  }

  /** The entries of a file, each compared with the tree. Throws {@link ArchiveDamaged} at the first that differs. */
  async *read({ fromIndex, toIndex }: ClosedRange, file: string): AsyncGenerator<readonly ArchivedEntry[]> {
    let tile: { readonly n: number; readonly hashes: readonly Buffer[] } | undefined;
    let last = fromIndex - 1;
    for await (const page of readEntries(this.path(file), PAGE)) {
      for (const { index, leaf } of page) {
        if (index <= last || index >= toIndex)
          throw new ArchiveDamaged(`${file}: entry ${index} is not in its place`);
        last = index;
        const n = Math.floor(index / TILE_WIDTH);
        if (tile?.n !== n) tile = { n, hashes: await this.tree.hashes(0, n, TILE_WIDTH) };
        if (tile.hashes[index % TILE_WIDTH]?.equals(leafHash(leaf)) !== true)
          throw new ArchiveDamaged(`${file}: entry ${index} is not the one that was recorded`);
      }
      yield page;
    }
  }

  /**
   * Removes the file of a class, recorded or not, and what writers that died left aside: their entries are destroyed. Safe
   * to repeat; nothing where there is no folder for archives.
   */
  async erase(range: ClosedRange, name: string, now: Date): Promise<void> {
    if (this.directory === undefined) return;
    await rm(this.path(fileOf(range, name)), { force: true });
    await removeAbandoned(this.path(partFolder(range.fromIndex, range.toIndex)), now);
  }

  /** Where a file is. Throws when there is no folder for archives. */
  path(file: string): string {
    if (this.directory === undefined) throw new Error('audit.retention.directory is not set');
    return join(this.directory, file);
  }

  /** The hashes of a part, and beside them those that lead to the root: the log can then be verified without it. */
  async #writeTree({ fromIndex, toIndex }: ClosedRange, folder: string): Promise<void> {
    for (let n = fromIndex / TILE_WIDTH; n < toIndex / TILE_WIDTH; n += 1) {
      const hashes = await this.tree.hashes(0, n, TILE_WIDTH);
      await writeWhole(join(folder, tilePath({ level: 0, n, width: TILE_WIDTH })), Buffer.concat(hashes));
    }
    const [newest, head] = [await this.checkpoints.newest(), await this.#head()];
    const size = newest !== undefined && newest.size >= toIndex ? newest.size : head.size;
    const hex = async (begin: number, end: number): Promise<string[]> =>
      (await this.tree.range(begin, end)).hashes.map((hash) => hash.toString('hex'));
    const manifest = {
      leasegate_archive: 1,
      origin: head.origin,
      from_index: fromIndex,
      to_index: toIndex,
      size,
      root_hash: (await this.tree.rootAt(size)).toString('hex'),
      left: await hex(0, fromIndex),
      right: await hex(toIndex, size),
      checkpoint: size === newest?.size ? newest.note : null,
      keys: (await this.checkpoints.keys()).map(({ line }) => line),
    };
    await writeWhole(join(folder, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  }

  /** That the tiles in the database are those of the tree whose root the head names. */
  async #verifyTree({ fromIndex, toIndex }: ClosedRange): Promise<void> {
    const { size, root } = await this.#head();
    const range = await this.tree.range(0, fromIndex);
    for (let n = fromIndex / TILE_WIDTH; n < toIndex / TILE_WIDTH; n += 1)
      range.append(TILE_HEIGHT, tileRoot(await this.tree.hashes(0, n, TILE_WIDTH)));
    const rest: CompactRange = await this.tree.range(toIndex, size);
    range.join(rest);
    if (!range.root().equals(root))
      throw new ArchiveDamaged(`the hashes of entries ${fromIndex} to ${toIndex} are not those of the log`);
  }

  async #head(): Promise<{ origin: string; size: number; root: Buffer }> {
    const [row] = await this.transactions.reads.query<{ origin: string; size: string; root_hash: Buffer }[]>(
      'SELECT origin, size, root_hash FROM audit_head',
    );
    if (row === undefined) throw new Error('the log has no head');
    return { origin: row.origin, size: Number(row.size), root: row.root_hash };
  }

  async *#entries(
    { fromIndex, toIndex }: ClosedRange,
    kinds: readonly string[],
  ): AsyncGenerator<readonly ArchivedEntry[]> {
    for (let next = fromIndex; ;) {
      const rows = await this.transactions.reads.query<{ idx: string; leaf: Buffer }[]>(
        `SELECT idx, leaf FROM audit_entry
         WHERE idx >= $1::bigint AND idx < $2::bigint AND kind = ANY($3::text[]) ORDER BY idx LIMIT ${PAGE}`,
        [next, toIndex, kinds],
      );
      const last = rows.at(-1);
      if (last === undefined) return;
      yield rows.map(({ idx, leaf }) => ({ index: Number(idx), leaf }));
      next = Number(last.idx) + 1;
    }
  }
}

/** The file of a class of kinds, below the folder of the archives. */
function fileOf({ fromIndex, toIndex }: ClosedRange, name: string): string {
  return join(partFolder(fromIndex, toIndex), `${name}.jsonl.gz`);
}
