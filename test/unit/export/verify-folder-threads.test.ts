import fc from 'fast-check';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { repositoryRoot } from '../../../src/dev/repository.js';
import type * as Verify from '../../../src/sdk/verify-path.js';
import { craftArchive } from '../../audit-tamper/crafted-archive.js';
import {
  craftCheckpoint,
  craftFolder,
  craftKey,
  craftLeaves,
  rootOf,
} from '../../audit-tamper/crafted-log.js';
import { craftSchedule } from '../../audit-tamper/crafted-span.js';
import { buildOnce } from '../../support/build-once.js';

// Three tasks of tiles, and archives of more than one block.
const COUNT = 5_500;
const PART_END = 5_376;
const leaves = craftLeaves(COUNT);
const key = craftKey();
const note = craftCheckpoint(leaves, [key]);
const KINDS = ['bundle', 'archive', 'schedule'] as const;

let verifyPath: typeof Verify.verifyPath;
let home: string;

beforeAll(async () => {
  // Threads run what is compiled.
  await buildOnce();
  const url = pathToFileURL(join(repositoryRoot(), 'dist', 'src', 'sdk', 'verify-path.js'));
  ({ verifyPath } = (await import(url.href)) as typeof Verify);
  home = await mkdtemp(join(tmpdir(), 'leasegate-threads-'));
  await craftFolder(join(home, 'bundle'), leaves, note);
  for (const range of [[0, 2_560] as const, [2_560, PART_END] as const])
    await craftArchive(join(home, 'archive'), leaves, range, note);
  const spans = [0, 2_500, 2_501, COUNT];
  await craftSchedule(
    join(home, 'schedule'),
    leaves,
    spans.slice(1).map((to, at) => ({ from: spans[at] as number, to })),
    key,
  );
}, 300_000);
afterAll(() => rm(home, { recursive: true, force: true }));

const expectedHead = { size: 2_500, rootHash: rootOf(leaves.slice(0, 2_500)).toString('hex') };

async function sameForAll(path: string) {
  const options = { keys: [key.line], expectedHead, maxProblems: 50 };
  const one = await verifyPath(path, options);
  for (const threads of [2, 3]) expect(await verifyPath(path, { ...options, threads })).toEqual(one);
  return one;
}

it.each(KINDS)(
  '%s: the same is found wrong with any number of threads, in a folder and packed, wherever it was tampered with',
  async (kind) => {
    const source = join(home, kind);
    const files = (await readdir(source, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(source.length + 1))
      .sort();
    const acts = fc.constantFrom('flip', 'cut', 'remove', 'double', 'empty');
    const tampered = fc.array(fc.tuple(fc.nat(files.length - 1), acts, fc.nat()), {
      minLength: 1,
      maxLength: 3,
    });
    await fc.assert(
      fc.asyncProperty(tampered, async (changes) => {
        const copy = join(home, 'copy');
        await rm(copy, { recursive: true, force: true });
        await cp(source, copy, { recursive: true });
        for (const [which, act, at] of changes) {
          const file = join(copy, files[which] as string);
          const bytes = await readFile(file).catch(() => Buffer.alloc(0));
          if (bytes.length === 0) continue;
          if (act === 'remove') await rm(file);
          else {
            if (act === 'flip') bytes[at % bytes.length]! ^= 1 << (at % 8);
            await writeFile(
              file,
              act === 'cut'
                ? bytes.subarray(0, at % bytes.length)
                : act === 'empty'
                  ? ''
                  : act === 'double'
                    ? Buffer.concat([bytes, bytes])
                    : bytes,
            );
          }
        }
        const found = await sameForAll(copy);
        const tar = join(home, 'copy.tar');
        await promisify(execFile)('tar', ['-cf', tar, '-C', copy, '.']);
        expect(await sameForAll(tar)).toEqual(found);
      }),
      { seed: 20_261_121, numRuns: 12 },
    );
  },
  600_000,
);

it.each(KINDS)(
  '%s: as it was written, it is right with any number of threads',
  async (kind) => {
    expect(await sameForAll(join(home, kind))).toMatchObject({
      ...{ ok: true, kind, problems: [], firstIndex: 0 },
      count: kind === 'archive' ? PART_END : COUNT,
    });
  },
  120_000,
);

it('a tree that claims to be of more tiles than there could be is given up', async () => {
  const folder = join(home, 'huge');
  await craftFolder(folder, leaves.slice(0, 300), note.replace(`\n${COUNT}\n`, `\n${2 ** 50}\n`));
  const { problems, problemCount } = await verifyPath(folder, { maxProblems: 2_000, threads: 2 });
  expect(problems.filter(({ problem }) => problem.startsWith('more than 1000 tiles'))).toHaveLength(1);
  expect(problemCount).toBeLessThan(1_100);
}, 240_000);
