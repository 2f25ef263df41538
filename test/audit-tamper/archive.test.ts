import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { verifyPath } from '../../src/sdk/verify-path.js';
import { CompactRange } from '../../src/tlog/compact-range.js';
import { leafHash } from '../../src/tlog/hash.js';
import { TILE_WIDTH, tilePath } from '../../src/tlog/tile.js';
import { craftCheckpoint, craftKey, craftLeaves, ORIGIN, rootOf } from './crafted-log.js';

// Parts in the layout that `LogArchive` writes, made here, so that each way of changing one can be tried quickly.
const COUNT = 1_100;
const [FROM, TO] = [256, 768];
const key = craftKey();
const leaves = craftLeaves(COUNT);
const hashes = leaves.map((leaf) => leafHash(leaf));
const PART = `${String(FROM).padStart(12, '0')}-${String(TO).padStart(12, '0')}`;

let home: string;
let part: string;

const hex = (from: number, to: number): string[] => {
  const range = new CompactRange(from);
  for (const hash of hashes.slice(from, to)) range.append(0, hash);
  return range.hashes.map((hash) => hash.toString('hex'));
};
const lines = (keep: (index: number) => boolean): string =>
  leaves
    .flatMap((leaf, index) =>
      index >= FROM && index < TO && keep(index)
        ? [`${JSON.stringify({ index, leaf: leaf.toString() })}\n`]
        : [],
    )
    .join('');
const manifest = {
  leasegate_archive: 1,
  origin: ORIGIN,
  from_index: FROM,
  to_index: TO,
  size: COUNT,
  root_hash: rootOf(leaves).toString('hex'),
  left: hex(0, FROM),
  right: hex(TO, COUNT),
  checkpoint: craftCheckpoint(leaves, [key]) as string | null,
  keys: [key.line],
};
const writeManifest = (changes: object = {}): Promise<void> =>
  writeFile(join(part, 'manifest.json'), JSON.stringify({ ...manifest, ...changes }));
const bendLines = async (change: (text: string) => string): Promise<void> => {
  const file = join(part, 'even.jsonl.gz');
  await writeFile(file, gzipSync(change(gunzipSync(await readFile(file)).toString())));
};

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'leasegate-archive-'));
  part = join(home, PART);
});
afterAll(() => rm(home, { recursive: true }));
beforeEach(async () => {
  await rm(part, { recursive: true, force: true });
  for (let n = FROM / TILE_WIDTH; n < TO / TILE_WIDTH; n += 1) {
    const file = join(part, tilePath({ level: 0, n, width: TILE_WIDTH }));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, Buffer.concat(hashes.slice(n * TILE_WIDTH, (n + 1) * TILE_WIDTH)));
  }
  await writeManifest();
  await writeFile(join(part, 'even.jsonl.gz'), gzipSync(lines((index) => index % 2 === 0)));
  await writeFile(join(part, 'odd.jsonl.gz'), gzipSync(lines((index) => index % 2 === 1)));
});

it('is right as it was written: a part, and the folder of all parts', async () => {
  const right = {
    ok: true,
    kind: 'archive',
    count: TO - FROM,
    firstIndex: FROM,
    lastIndex: TO - 1,
    checkpointSize: COUNT,
  };
  expect(await verifyPath(part, { keys: [key.line] })).toMatchObject(right);
  expect(await verifyPath(home, { keys: [key.line] })).toMatchObject(right);
  expect((await verifyPath(part)).limits.join()).toContain('No signature was verified');
});

it('says so when entries are in no file of it', async () => {
  await rm(join(part, 'odd.jsonl.gz'));
  const { ok, count, limits } = await verifyPath(part, { keys: [key.line] });
  expect([ok, count]).toEqual([true, (TO - FROM) / 2]);
  expect(limits.join()).toContain('in no file of the archive');
});

const swapped = [manifest.left[0]?.replace(/^./, (digit) => (digit === '0' ? '1' : '0'))];
const TABLE: readonly (readonly [what: string, act: () => Promise<void>, named: RegExp])[] = [
  [
    'an event is changed',
    () => bendLines((text) => text.replace('success', 'refused')),
    /^even.*\/256: .*hash/,
  ],
  [
    'an entry is there twice',
    () => bendLines((text) => text + text.slice(0, text.indexOf('\n') + 1)),
    /\/256: .*twice/,
  ],
  [
    'an entry is of another place',
    () => bendLines((text) => text.replace('256', '99')),
    /\/99: .*outside the part/,
  ],
  ['a line is none', () => bendLines((text) => `${text}x\n`), /^even.*: line 257 is no entry/],
  [
    'a file is cut off',
    async () => {
      const file = join(part, 'even.jsonl.gz');
      await writeFile(file, (await readFile(file)).subarray(0, -20));
    },
    /^even.*: it cannot be read/,
  ],
  ['a tile is missing', () => rm(join(part, 'tile/0/002')), /^tile\/0\/002: the tile is missing/],
  ['the hashes before it are others', () => writeManifest({ left: swapped }), /do not lead to the root/],
  ['the root is another one', () => writeManifest({ root_hash: '0'.repeat(64) }), /another root|do not lead/],
  ['the checkpoint is gone', () => writeManifest({ checkpoint: null }), /no signed checkpoint/],
  [
    'another key signed',
    () => writeManifest({ checkpoint: craftCheckpoint(leaves, [craftKey()]) }),
    /signed by none of the keys/,
  ],
  ['the manifest is none', () => writeManifest({ from_index: 1 }), /not the manifest of an archive/],
];

it.each(TABLE)('of which %s is found out, and where', async (_, act, named) => {
  await act();
  const { ok, problems } = await verifyPath(part, { keys: [key.line] });
  expect(ok).toBe(false);
  expect(
    problems.filter(({ file, index, problem }) =>
      named.test(`${file}${index === undefined ? '' : `/${index}`}: ${problem}`),
    ),
  ).not.toEqual([]);
});
