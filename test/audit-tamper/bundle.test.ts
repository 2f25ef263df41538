import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { bundledFiles } from '../../src/export/log-bundle.js';
import { TAR_END, tarFile } from '../../src/export/tar.js';
import { verifyPath } from '../../src/sdk/verify-path.js';
import { bundleOf, leavesOf, tilePath } from '../../src/tlog/tile.js';
import { craftCheckpoint, craftFolder, craftKey, craftLeaves, rootOf } from './crafted-log.js';

const COUNT = 600;
const key = craftKey();
const other = craftKey();
const leaves = craftLeaves(COUNT);
const forged = craftLeaves(COUNT, { 130: { credential: 'payments-api' } });
const signed = craftCheckpoint(leaves, [key]);
const about = {
  leasegate_bundle: 1,
  origin: 'leasegate/of-the-test',
  size: COUNT,
  from_index: 0,
  to_index: COUNT,
};
const expectedHead = { size: 200, rootHash: rootOf(leaves.slice(0, 200)).toString('hex') };
const BUNDLE = 'tile/entries/000';

let home: string;
let folder: string;
let tar: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'leasegate-bundle-'));
  folder = join(home, 'log');
  tar = join(home, 'log.tar');
});
afterAll(() => rm(home, { recursive: true }));
beforeEach(() => craftFolder(folder, leaves, signed));

const bend = async (path: string, change: (bytes: Buffer) => Buffer): Promise<void> =>
  writeFile(join(folder, path), change(await readFile(join(folder, path))));
const flip = (path: string, at: number) => (): Promise<void> =>
  bend(path, (bytes) => {
    bytes[at]! ^= 1;
    return bytes;
  });
const entries = (change: (list: Buffer[]) => void) => (): Promise<void> =>
  bend(BUNDLE, (bytes) => {
    const list = leavesOf(bytes);
    change(list);
    return bundleOf(list);
  });

/** The folder as `audit bundle` writes it. */
async function pack(from = 0, to = COUNT): Promise<Buffer> {
  const files = [
    tarFile('bundle.json', Buffer.from(JSON.stringify({ ...about, from_index: from, to_index: to }))),
  ];
  files.push(tarFile('checkpoint', await readFile(join(folder, 'checkpoint'))));
  for (const name of bundledFiles(COUNT, from, to))
    files.push(tarFile(tilePath(name), await readFile(join(folder, tilePath(name)))));
  return Buffer.concat([...files, TAR_END]);
}
const problemsOf = async (path: string): Promise<string[]> =>
  (await verifyPath(path, { keys: [key.line], expectedHead })).problems.map(
    ({ file, index, problem }) => `${file}${index === undefined ? '' : `/${index}`}: ${problem}`,
  );

const TABLE: readonly (readonly [what: string, act: () => Promise<void>, named: RegExp])[] = [
  [
    'a bit of an event is flipped',
    entries((list) => void (list[130]![40]! ^= 1)),
    /entries\/000\/130: .*hash/,
  ],
  ['an entry is deleted', entries((list) => void list.splice(130, 1)), /entries\/000: .*255 entries|\/130: /],
  ['an entry is inserted', entries((list) => void list.splice(130, 0, list[0]!)), /257 entries|\/130: /],
  [
    'two entries are swapped',
    entries((list) => void ([list[10], list[11]] = [list[11]!, list[10]!])),
    /entries\/000\/10: /,
  ],
  ['the entries are cut off', () => bend(BUNDLE, (bytes) => bytes.subarray(0, -1)), /middle of an entry/],
  ['a bundle of entries is missing', () => rm(join(folder, BUNDLE)), /entries 0 to 255 are missing/],
  ['a tile is missing', () => rm(join(folder, 'tile/0/001')), /tile\/0\/001: the tile is missing/],
  ['a bit of a tile is flipped', flip('tile/0/001', 64), /entries\/001\/258: |not those of the checkpoint/],
  ['a bit of a tile above is flipped', flip('tile/1/000.p/2', 3), /does not follow from the tiles below/],
  ['the checkpoint is changed', flip('checkpoint', 30), /checkpoint: /],
  [
    'the checkpoint is missing',
    () => rm(join(folder, 'checkpoint')),
    /checkpoint: the checkpoint is missing/,
  ],
  [
    'all of it is another log, truly signed',
    () => craftFolder(folder, forged, craftCheckpoint(forged, [key])),
    /the log at size 200 is not the one/,
  ],
  [
    'all of it is signed by another key',
    () => craftFolder(folder, forged, craftCheckpoint(forged, [other])),
    /signed by none of the keys/,
  ],
  [
    'it is rolled back',
    () => craftFolder(folder, leaves.slice(0, 150), craftCheckpoint(leaves.slice(0, 150), [key])),
    /the log has 150 entries, and 200 were expected/,
  ],
];

it('is right as it was written: a folder, a tar file, and a compressed one', async () => {
  const right = { ok: true, kind: 'bundle', count: COUNT, checkpointSize: COUNT, problems: [] };
  const options = { keys: [key.line], expectedHead };
  expect(await verifyPath(folder, options)).toMatchObject(right);
  await writeFile(tar, await pack());
  expect(await verifyPath(tar, options)).toMatchObject({ ...right, lastIndex: COUNT - 1 });
  await writeFile(`${tar}.gz`, gzipSync(await pack()));
  expect(await verifyPath(`${tar}.gz`, options)).toMatchObject(right);
  expect((await verifyPath(folder)).limits.join()).toContain('No signature was verified');
});

it('of a range says what it does not have', async () => {
  await writeFile(tar, await pack(300, 400));
  const { limits, ...found } = await verifyPath(tar, { keys: [key.line], expectedHead });
  expect(found).toMatchObject({ ok: true, count: 256, firstIndex: 300, lastIndex: 399 });
  expect(limits.join()).toContain('the hashes were checked');
});

it.each(TABLE)('of which %s is found out, and where', async (_, act, named) => {
  await act();
  expect((await problemsOf(folder)).filter((problem) => named.test(problem))).not.toEqual([]);
});

it('as a tar file is found out in the same words', async () => {
  await entries((list) => void (list[130]![40]! ^= 1))();
  await writeFile(tar, await pack());
  expect(await problemsOf(tar)).toEqual(await problemsOf(folder));
});

it('of which the tar file is cut off or changed says where', async () => {
  const bytes = await pack();
  await writeFile(tar, bytes.subarray(0, 40_000));
  expect((await verifyPath(tar)).problems[0]?.problem).toContain('cut off');
  bytes[513 + 1_024] = 0xff;
  bytes[1_024 + 20] = 0xff;
  await writeFile(tar, bytes);
  expect((await verifyPath(tar, { keys: [key.line] })).ok).toBe(false);
});
