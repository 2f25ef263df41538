import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { verifyPath } from '../../src/sdk/verify-path.js';
import { archiveManifest, craftArchive, partName } from './crafted-archive.js';
import { craftCheckpoint, craftKey, craftLeaves, rootOf } from './crafted-log.js';

// Parts in the layout that `LogArchive` writes, made here, so that each way of changing one can be tried quickly.
const COUNT = 1_100;
const [FROM, TO] = [256, 768];
const key = craftKey();
const leaves = craftLeaves(COUNT);
const PART = partName(FROM, TO);

let home: string;
let part: string;

const manifest = archiveManifest(leaves, [FROM, TO], craftCheckpoint(leaves, [key]));
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
  await rm(home, { recursive: true, force: true });
  await craftArchive(home, leaves, [FROM, TO], craftCheckpoint(leaves, [key]));
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

describe('of several parts', () => {
  const parts: readonly (readonly [number, number])[] = [
    [0, 256],
    [256, 512],
    [512, 1_024],
  ];
  const craft = async (which = parts): Promise<void> => {
    await rm(home, { recursive: true });
    for (const range of which) await craftArchive(home, leaves, range, craftCheckpoint(leaves, [key]));
  };
  const found = async (): Promise<string[]> =>
    (await verifyPath(home, { keys: [key.line] })).problems.map(({ file, problem }) => `${file}: ${problem}`);

  it('one that is missing between two others is named', async () => {
    await craft(parts.filter((_, at) => at !== 1));
    expect(await found()).toEqual([
      expect.stringMatching(/^000000000512-000000001024: entries 256 to 511 are missing before it/),
    ]);
  });

  it('what is in two of them is named', async () => {
    await craft([...parts, [256, 768]]);
    expect(await found()).toEqual([
      expect.stringMatching(/^000000000256-000000000768: entries 256 to 511 are there twice/),
      expect.stringMatching(/^000000000512-000000001024: entries 512 to 767 are there twice/),
    ]);
  });

  it('one of another log is named, signed or not', async () => {
    await craft(parts.slice(0, 2));
    const other = craftLeaves(COUNT, { 3: { credential: 'payments-api' } });
    await craftArchive(home, other, [512, 1_024], craftCheckpoint(other, [key]));
    expect(await found()).toEqual([
      expect.stringMatching(/^000000000512-.*: the log before entry 512 is not/),
    ]);
  });

  it('a folder that is named by other entries than it has is named', async () => {
    await craft(parts.slice(0, 2));
    await rename(join(home, partName(256, 512)), join(home, partName(256, 768)));
    expect(await found()).toEqual([expect.stringMatching(/named by other entries than 256 to 511/)]);
  });

  it('the whole is right, packed as tar or not, and a head that was kept is compared', async () => {
    await craft();
    const right = { ok: true, kind: 'archive', count: 1_024, firstIndex: 0, lastIndex: 1_023, problems: [] };
    const rootHash = rootOf(leaves.slice(0, 700)).toString('hex');
    const options = { keys: [key.line], expectedHead: { size: 700, rootHash } };
    expect(await verifyPath(home, options)).toMatchObject(right);
    const tar = join(await mkdtemp(join(tmpdir(), 'leasegate-tar-')), 'archive.tar.gz');
    await promisify(execFile)('tar', ['-czf', tar, '-C', home, '.']);
    expect(await verifyPath(tar, options)).toMatchObject(right);
    await promisify(execFile)('tar', ['-czf', tar, '-C', join(home, '..'), basename(home)]);
    expect(await verifyPath(tar, options)).toMatchObject(right);
    await rm(dirname(tar), { recursive: true });
    const head = async (size: number): Promise<string[]> =>
      (await verifyPath(home, { ...options, expectedHead: { size, rootHash } })).problems.map(
        ({ problem }) => problem,
      );
    expect(await head(699)).toEqual([expect.stringMatching(/at size 699 is not the one/)]);
    expect(await head(1_050)).toEqual([expect.stringMatching(/size 1050: the head was not compared/)]);
  });
});
