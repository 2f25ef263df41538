import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { bundleOf, leavesOf } from '../../src/tlog/tile.js';
import { craftCheckpoint, craftFolder, craftKey, craftLeaves } from './crafted-log.js';

const run = promisify(execFile);
const source = new URL('../interop/verify-log', import.meta.url).pathname;
const COUNT = 600;
const key = craftKey();
const retired = craftKey();
const leaves = craftLeaves(COUNT);
const forgedLeaves = craftLeaves(COUNT, { 130: { credential: 'payments-api' } });
const [early, signed] = [craftCheckpoint(leaves.slice(0, 200), [key]), craftCheckpoint(leaves, [key])];

let home: string;
let folder: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'leasegate-tamper-'));
  folder = join(home, 'log');
  await run('go', ['build', '-o', join(home, 'verify-log'), '.'], { cwd: source }).catch((error: Error) => {
    throw new Error(
      `the verifier in Go cannot be built; Go 1.24 or newer has to be on PATH: ${error.message}`,
    );
  });
  await writeFile(join(home, 'early'), early);
}, 240_000);
afterAll(() => rm(home, { recursive: true }));
beforeEach(() => craftFolder(folder, leaves, signed));

/** What the program says to a reader who kept the early checkpoint. */
async function verify(...kept: readonly string[]): Promise<string> {
  const checkpoints = [...(kept.length === 0 ? ['early'] : kept), 'log/checkpoint'].map((name) =>
    join(home, name),
  );
  const { stdout } = await run(join(home, 'verify-log'), [folder, key.line, ...checkpoints]);
  return stdout;
}

async function bend(path: string, change: (bytes: Buffer) => Buffer): Promise<void> {
  await writeFile(join(folder, path), change(await readFile(join(folder, path))));
}

const BUNDLE = 'tile/entries/000';
const entries = (change: (list: Buffer[]) => void) => (): Promise<void> =>
  bend(BUNDLE, (bytes) => {
    const list = leavesOf(bytes);
    change(list);
    return bundleOf(list);
  });
const flip = (path: string, at: number) => (): Promise<void> =>
  bend(path, (bytes) => {
    bytes[at]! ^= 1;
    return bytes;
  });
const swap = (list: Buffer[]): void => {
  [list[10], list[11]] = [list[11]!, list[10]!];
};
const victim = leaves[130]!.toString();

/** What is done to the folder; what the program names. */
const TABLE: readonly (readonly [what: string, act: () => Promise<void>, named: RegExp])[] = [
  ...Object.keys(JSON.parse(victim) as object).map((field): [string, () => Promise<void>, RegExp] => [
    `a bit of ${field} of an event is flipped`,
    entries((list) => {
      list[130] = Buffer.from(list[130]!);
      list[130][victim.indexOf(`"${field}":`) + field.length + 4]! ^= 1;
    }),
    /entry 130: /,
  ]),
  [
    'an entry is deleted',
    entries((list) => list.splice(130, 1)),
    /tile\/entries\/000 has 255 entries, not 256/,
  ],
  [
    'an entry is inserted',
    entries((list) => list.splice(130, 0, list[1]!)),
    /tile\/entries\/000 has 257 entries, not 256/,
  ],
  [
    'one is deleted and another one is added',
    entries((list) => list.push(...list.splice(130, 1))),
    /entry 130: /,
  ],
  ['two entries are swapped', entries(swap), /entry 10: /],
  [
    'a bundle is cut short',
    () => bend(BUNDLE, (bytes) => bytes.subarray(0, -3)),
    /tile\/entries\/000 ends in the middle of an entry/,
  ],
  ['a bundle is taken away', () => rm(join(folder, 'tile/entries/001')), /tile\/entries\/001/],
  [
    'a bundle stands in the place of another',
    () => rename(join(folder, 'tile/entries/001'), join(folder, BUNDLE)),
    /entry 0: /,
  ],
  ['a bit of a tile of hashes is flipped', flip('tile/0/001', 500), /entry 256: invalid transparency proof/],
  ['a bit of the top tile is flipped', flip('tile/1/000.p/2', 33), /inconsistent tile/],
  ['a tile is taken away', () => rm(join(folder, 'tile/0/001')), /tile\/0\/001/],
  ['a bit of the origin is flipped', flip('checkpoint', 3), /checkpoint: /],
  [
    'a bit of the size is flipped',
    flip('checkpoint', signed.indexOf('\n') + 1),
    /checkpoint: .*invalid signature/,
  ],
  [
    'a bit of the root is flipped',
    flip('checkpoint', signed.indexOf('\n') + 8),
    /checkpoint: .*invalid signature/,
  ],
  [
    'a bit of the signature is flipped',
    flip('checkpoint', signed.lastIndexOf(' ') + 20),
    // As the bits fall, it is no base64 any more.
    /checkpoint: .*(invalid signature|malformed note)/,
  ],
  [
    'the log is rolled back and an old checkpoint replayed',
    () => craftFolder(folder, leaves.slice(0, 100), craftCheckpoint(leaves.slice(0, 100), [key])),
    /the newest checkpoint has 100 entries, and one before it had 200/,
  ],
  [
    'the whole log is rewritten under the old checkpoint',
    () => craftFolder(folder, forgedLeaves, signed),
    /inconsistent tile/,
  ],
  [
    'the whole log is rewritten and signed with an old key',
    () => craftFolder(folder, forgedLeaves, craftCheckpoint(forgedLeaves, [retired])),
    /checkpoint: .*(no verifiable signatures|invalid signature)/,
  ],
  [
    'an event is backdated and the log signed again',
    () => {
      const backdated = craftLeaves(COUNT, { 130: { time: '2025-01-01T00:00:00.000Z' } });
      return craftFolder(folder, backdated, craftCheckpoint(backdated, [key]));
    },
    /size 200 is not the beginning of size 600/,
  ],
  [
    'two readers are given different logs, both truly signed',
    () => craftFolder(folder, forgedLeaves, craftCheckpoint(forgedLeaves, [key])),
    /size 200 is not the beginning of size 600/,
  ],
];

it('a folder as it was written verifies', async () => {
  expect(await verify()).toBe('verified 600 entries and 2 checkpoints\n');
}, 240_000);

it.each(TABLE)(
  'a folder of which %s does not, and the program that is not ours says where',
  async (_, act, named) => {
    await act();
    await expect(verify()).rejects.toThrow(named);
  },
  60_000,
);

it('two readers who compare what they were given find out, whoever of them asks', async () => {
  await writeFile(join(home, 'other'), craftCheckpoint(forgedLeaves, [key]));
  await expect(verify('other')).rejects.toThrow(/size 600 is not the beginning of size 600/);
});
