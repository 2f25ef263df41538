import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { CompactRange } from '../../src/tlog/compact-range.js';
import { leafHash } from '../../src/tlog/hash.js';
import { TILE_WIDTH, tilePath } from '../../src/tlog/tile.js';
import { ORIGIN, rootOf } from './crafted-log.js';

/** The name of the folder of a part, of archives and of scheduled exports. */
export function partName(from: number, to: number): string {
  return [from, to].map((index) => String(index).padStart(12, '0')).join('-');
}

/** The hashes, in hex, that stand for a range of the leaves. */
export function hexRange(leaves: readonly Buffer[], from: number, to: number): string[] {
  const range = new CompactRange(from);
  for (const leaf of leaves.slice(from, to)) range.append(0, leafHash(leaf));
  return range.hashes.map((hash) => hash.toString('hex'));
}

/** The manifest that `LogArchive` writes for a part. */
export function archiveManifest(
  leaves: readonly Buffer[],
  [from, to]: readonly [number, number],
  checkpoint: string | null,
): Readonly<Record<string, unknown>> & { readonly left: readonly string[] } {
  return {
    leasegate_archive: 1,
    origin: ORIGIN,
    from_index: from,
    to_index: to,
    size: leaves.length,
    root_hash: rootOf(leaves).toString('hex'),
    left: hexRange(leaves, 0, from),
    right: hexRange(leaves, to, leaves.length),
    checkpoint,
    keys: [],
  };
}

/** Writes a part in the layout of `LogArchive`, with a file for the even and one for the odd entries; answers its folder. */
export async function craftArchive(
  home: string,
  leaves: readonly Buffer[],
  [from, to]: readonly [number, number],
  checkpoint: string | null,
): Promise<string> {
  const part = join(home, partName(from, to));
  await rm(part, { recursive: true, force: true });
  for (let n = from / TILE_WIDTH; n < to / TILE_WIDTH; n += 1) {
    const file = join(part, tilePath({ level: 0, n, width: TILE_WIDTH }));
    await mkdir(dirname(file), { recursive: true });
    const tile = leaves.slice(n * TILE_WIDTH, (n + 1) * TILE_WIDTH);
    await writeFile(file, Buffer.concat(tile.map((leaf) => leafHash(leaf))));
  }
  const manifest = archiveManifest(leaves, [from, to], checkpoint);
  await writeFile(join(part, 'manifest.json'), JSON.stringify(manifest));
  for (const [name, rest] of [
    ['even', 0],
    ['odd', 1],
  ] as const)
    await writeFile(join(part, `${name}.jsonl.gz`), gzipSync(archiveLines(leaves, [from, to], rest)));
  return part;
}

function archiveLines(leaves: readonly Buffer[], [from, to]: readonly [number, number], rest: 0 | 1): string {
  return leaves
    .flatMap((leaf, index) =>
      index >= from && index < to && index % 2 === rest
        ? [`${JSON.stringify({ index, leaf: leaf.toString() })}\n`]
        : [],
    )
    .join('');
}
