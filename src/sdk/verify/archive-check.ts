import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CompactRange } from '../../tlog/compact-range.js';
import { HASH_BYTES } from '../../tlog/hash.js';
import type { NoteKey } from '../../tlog/note.js';
import { subtreeHashes } from '../../tlog/leaf-run.js';
import { TILE_HEIGHT, TILE_WIDTH, tilePath } from '../../tlog/tile.js';
import { plainBytes } from '../plain-file.js';
import { manifestOf, type ArchiveManifest } from './archive-manifest.js';
import { blocksOf } from './blocks.js';
import type { ExportVerification, VerifyOptions } from './export-verification.js';
import { answerOf, checkpointFrom, NOTHING } from './folder-check.js';
import { LeafCheck } from './leaf-check.js';
import { LIMITS } from './limits.js';
import { DirectoryFolder } from './log-folder.js';
import { Problems } from './problems.js';

const LINE_FEED = 0x0a;
const ENTRIES_FILE = /\.jsonl(\.gz|\.zst)?$/;

/**
 * Verifies the archive of a part of the log, as retention writes it: that its tiles lead to the root that its checkpoint
 * vouches for, and that each entry in its files is the one that the tiles have at its place, once.
 */
export async function checkArchive(
  path: string,
  keys: readonly NoteKey[],
  options: VerifyOptions,
): Promise<ExportVerification> {
  const problems = new Problems(options.maxProblems);
  const folder = new DirectoryFolder(path);
  const manifest = manifestOf(await folder.text('manifest.json'));
  if (manifest === undefined) {
    problems.foundIn('manifest.json', 'it is not the manifest of an archive that this version can read');
    return { ...NOTHING, ...answerOf(problems, [LIMITS.unsigned]) };
  }
  const { from_index: from, to_index: to } = manifest;
  if (manifest.checkpoint !== null) {
    const checkpoint = checkpointFrom(manifest.checkpoint, keys, problems);
    if (checkpoint?.root.toString('hex') !== manifest.root_hash || checkpoint.origin !== manifest.origin)
      problems.foundIn(
        'manifest.json',
        'the checkpoint vouches for another root or log than the manifest names',
      );
  } else if (keys.length > 0) problems.foundIn('manifest.json', 'there is no signed checkpoint to verify');
  const hashes = await tilesOf(folder, manifest, problems);
  const files = new ArchivedEntries(manifest, hashes, problems);
  for (const file of (await readdir(path)).filter((name) => ENTRIES_FILE.test(name)).sort())
    await files.check(join(path, file), file);
  return {
    ...NOTHING,
    ...answerOf(problems, [
      ...(keys.length > 0 ? [] : [LIMITS.unsigned]),
      ...(files.count < to - from ? [LIMITS.retained] : []),
      LIMITS.range,
      LIMITS.tail,
    ]),
    count: files.count,
    firstIndex: from,
    lastIndex: to - 1,
    rootHash: manifest.root_hash,
    checkpointSize: keys.length > 0 && problems.count === 0 ? manifest.size : null,
    origin: manifest.origin,
  };
}

/** The hashes of the part, one after another, compared with the root that the manifest names. */
async function tilesOf(
  folder: DirectoryFolder,
  { from_index: from, to_index: to, size, left, right, root_hash: root }: ArchiveManifest,
  problems: Problems,
): Promise<Buffer> {
  const all = Buffer.alloc((to - from) * HASH_BYTES);
  let complete = true;
  try {
    const range = CompactRange.of(0, from, hashesOf(left));
    for (let n = from / TILE_WIDTH; n < to / TILE_WIDTH; n += 1) {
      const file = tilePath({ level: 0, n, width: TILE_WIDTH });
      const tile = await folder.read(file);
      if (tile?.length !== TILE_WIDTH * HASH_BYTES) {
        problems.foundIn(file, tile === undefined ? 'the tile is missing' : 'the tile has another size');
        complete = false;
        continue;
      }
      tile.copy(all, (n * TILE_WIDTH - from) * HASH_BYTES);
      if (complete) range.append(TILE_HEIGHT, subtreeHashes(0, tile)[0] as Buffer);
    }
    if (!complete) return all;
    range.join(CompactRange.of(to, size, hashesOf(right)));
    if (range.root().toString('hex') !== root)
      problems.foundIn('manifest.json', 'the tiles do not lead to the root that the manifest names');
  } catch {
    problems.foundIn('manifest.json', 'it has other hashes than lead from the part to the root');
  }
  return all;
}

function hashesOf(hex: readonly string[]): Buffer[] {
  return hex.map((hash) => Buffer.from(hash, 'hex'));
}

/** The entries in the files of an archive. A bit for each place remembers which of them were there. */
class ArchivedEntries {
  count = 0;
  readonly #seen: Uint8Array;
  readonly #leaf = new LeafCheck();

  constructor(
    private readonly range: ArchiveManifest,
    private readonly hashes: Buffer,
    private readonly problems: Problems,
  ) {
    this.#seen = new Uint8Array(Math.ceil((range.to_index - range.from_index) / 8));
  }

  async check(path: string, file: string): Promise<void> {
    try {
      let line = 0;
      for await (const { bytes, overlong } of blocksOf(plainBytes(createReadStream(path)), 2)) {
        if (overlong) this.problems.foundIn(file, 'there is a line that is no entry');
        for (let at = 0; at < bytes.length;) {
          const feed = bytes.indexOf(LINE_FEED, at);
          const end = feed === -1 ? bytes.length : feed;
          line += 1;
          this.#line(bytes.toString('utf8', at, end), file, line);
          at = end + 1;
        }
      }
    } catch (error) {
      // What a decompressor says is about the file and not about us.
      const why = error instanceof Error ? error.message : 'no reason given';
      this.problems.foundIn(file, `it cannot be read: ${why}`);
    }
  }

  #line(text: string, file: string, line: number): void {
    const { index, leaf } = entryOf(text) ?? {};
    const { from_index: from, to_index: to } = this.range;
    if (index === undefined || leaf === undefined) {
      this.problems.foundIn(file, `line ${line} is no entry`);
      return;
    }
    this.count += 1;
    const at = index - from;
    if (at < 0 || index >= to) {
      this.problems.foundIn(file, `the entry is outside the part ${from} to ${to - 1}`, index);
      return;
    }
    const bit = 1 << (at & 7);
    if (((this.#seen[at >> 3] ?? 0) & bit) !== 0)
      this.problems.foundIn(file, 'the entry is there twice', index);
    this.#seen[at >> 3] = (this.#seen[at >> 3] ?? 0) | bit;
    const problem = this.#leaf.problemOf(
      Buffer.from(leaf, 'utf8'),
      this.hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES),
    );
    if (problem !== undefined) this.problems.foundIn(file, problem, index);
  }
}

function entryOf(text: string): { index: number; leaf: string } | undefined {
  try {
    const { index, leaf } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    return typeof leaf === 'string' && Number.isSafeInteger(index)
      ? { index: index as number, leaf }
      : undefined;
  } catch {
    return undefined;
  }
}
