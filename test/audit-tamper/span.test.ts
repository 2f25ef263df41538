import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { verifyPath } from '../../src/sdk/verify-path.js';
import { craftCheckpoint, craftKey, craftLeaves, rootOf } from './crafted-log.js';
import { partName } from './crafted-archive.js';
import { craftSchedule, type SpanShape } from './crafted-span.js';

// Folders in the layout that scheduled exports write, made here, so that each way of changing one can be tried quickly.
const key = craftKey();
const other = craftKey();
const leaves = craftLeaves(600);
const SHAPES: readonly SpanShape[] = [
  { from: 0, to: 200 },
  { from: 200, to: 350 },
  { from: 350, to: 600 },
];
const [, MIDDLE = ''] = SHAPES.map(({ from, to }) => partName(from, to));
const FILE = 'leasegate-audit.jsonl.gz';

let home: string;
let span: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'leasegate-span-'));
  span = join(home, MIDDLE);
});
afterAll(() => rm(home, { recursive: true }));
beforeEach(() => craftSchedule(home, leaves, SHAPES, key));

const named = async (path: string, options = { keys: [key.line] }): Promise<string[]> => {
  const { ok, problems } = await verifyPath(path, options);
  expect(ok).toBe(problems.length === 0);
  return problems.map(({ file, problem }) => `${file}: ${problem}`);
};
const bendManifest = async (change: (manifest: Record<string, unknown>) => void): Promise<void> => {
  const file = join(span, 'manifest.json');
  const manifest = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  change(manifest);
  await writeFile(file, JSON.stringify(manifest));
};
const bendEvent = (change: (leaf: string) => string) => (): Promise<void> =>
  bendManifest((manifest) => {
    const event = manifest['event'] as { leaf: string };
    manifest['event'] = { ...event, leaf: change(event.leaf) };
  });
const bendLines = async (change: (text: string) => string): Promise<void> => {
  const file = join(span, FILE);
  await writeFile(file, gzipSync(change(gunzipSync(await readFile(file)).toString())));
};

describe('the folder of a span', () => {
  const TABLE: readonly (readonly [what: string, act: () => Promise<void>, said: RegExp])[] = [
    [
      'an entry is changed',
      () => bendLines((text) => text.replace('success', 'refused')),
      /gz: .*leaf was changed/,
    ],
    [
      'a line is taken out',
      () => bendLines((text) => text.replace(/\n.*\n/, '\n')),
      /gz: entry 200 is missing/,
    ],
    [
      'the file is packed anew, its lines being the same',
      async () =>
        writeFile(join(span, FILE), gzipSync(gunzipSync(await readFile(join(span, FILE))), { level: 1 })),
      /gz: .*SHA-256 is another one/,
    ],
    [
      'the file is cut off',
      async () => writeFile(join(span, FILE), (await readFile(join(span, FILE))).subarray(0, -20)),
      /gz: it cannot be read/,
    ],
    ['the file is gone', () => rm(join(span, FILE)), /gz: the file of the export is missing/],
    [
      'the file is that of another span',
      () => rename(join(home, partName(0, 200), FILE), join(span, FILE)),
      /gz: .*another log or span/,
    ],
    [
      'the manifest names another end',
      () => bendManifest((m) => (m['to_index'] = 351)),
      /another to_index than the event/,
    ],
    [
      'the manifest names another count',
      () => bendManifest((m) => (m['count'] = 1)),
      /another count than the event/,
    ],
    [
      'the manifest names another schedule',
      () => bendManifest((m) => (m['schedule'] = 'x')),
      /another schedule than/,
    ],
    [
      'the manifest is of a later version',
      () => bendManifest((m) => (m['leasegate_manifest'] = 2)),
      /cannot|can read/,
    ],
    ['the manifest names a file elsewhere', () => bendManifest((m) => (m['file'] = '../x')), /can read/],
    [
      'the event is changed',
      bendEvent((leaf) => leaf.replace('"v":1', '"v":2')),
      /does not lead from this leaf/,
    ],
    [
      'the event is that of another span',
      async () => {
        const another = JSON.parse(
          await readFile(join(home, partName(0, 200), 'manifest.json'), 'utf8'),
        ) as Record<string, unknown>;
        await bendManifest((m) => (m['event'] = another['event']));
      },
      /another export_id than the event/,
    ],
    ['the checkpoint is gone', () => rm(join(span, 'checkpoint')), /checkpoint: the checkpoint is missing/],
    [
      'the checkpoint is signed by another key',
      () => writeFile(join(span, 'checkpoint'), craftCheckpoint(leaves.slice(0, 350), [other])),
      /checkpoint: .*none of the keys/,
    ],
    [
      'the checkpoint is of another log of that size, truly signed',
      () =>
        writeFile(join(span, 'checkpoint'), craftCheckpoint(craftLeaves(350, { 3: { run: null } }), [key])),
      /checkpoint: the entries are not those of the checkpoint at size 350/,
    ],
  ];
  it.each(TABLE)('of which %s is found out, and where', async (_, act, said) => {
    await act();
    expect((await named(span)).join('\n')).toMatch(said);
  });

  it('is known for what it is, and verified as one: file, manifest and checkpoint', async () => {
    const rootHash = rootOf(leaves.slice(0, 300)).toString('hex');
    expect(await verifyPath(span, { keys: [key.line], expectedHead: { size: 300, rootHash } })).toMatchObject(
      {
        ...{ ok: true, kind: 'span', count: 150, firstIndex: 200, lastIndex: 349, checkpointSize: 350 },
        problems: [],
      },
    );
    const elsewhere = await verifyPath(span, { expectedHead: { size: 100, rootHash } });
    expect(elsewhere.problems.map(({ problem }) => problem).join()).toMatch(
      /size 100: the head was not compared/,
    );
  });

  it('of another form is the file that the log tells of, and says that it has no hashes', async () => {
    const shape = { from: 0, to: 600, csv: 'index,kind\n1,lease.issued\n' };
    const [name = ''] = await craftSchedule(home, leaves, [shape], key);
    const right = await verifyPath(join(home, name), { keys: [key.line] });
    expect(right).toMatchObject({ ok: true, kind: 'span', count: 1, filtered: true, checkpointSize: null });
    expect(right.limits.join()).toContain('carries no hashes');
    await writeFile(join(home, name, 'leasegate-audit.csv'), 'index,kind\n1,lease.issuee\n');
    expect(await named(join(home, name))).toEqual([expect.stringMatching(/csv: .*SHA-256/)]);
  });
});

describe('the folder of a schedule', () => {
  const say = async (shapes: readonly SpanShape[]): Promise<string[]> => {
    await craftSchedule(home, leaves, shapes, key);
    return named(home);
  };

  it('with a gap, a double, or spans of several schedules is found out, with the indexes', async () => {
    const [first, middle, last] = SHAPES as [SpanShape, SpanShape, SpanShape];
    expect(await say([first, last])).toEqual([
      expect.stringMatching(/^000000000350-000000000600: entries 200 to 349 are missing before it/),
    ]);
    expect(await say([first, { from: 190, to: 350 }, last])).toEqual([
      expect.stringMatching(/^000000000190-000000000350: entries 190 to 199 are there twice/),
    ]);
    expect(await say([first, { ...middle, schedule: 'x' }, last])).toEqual([
      expect.stringMatching(/^000000000200-000000000350\/manifest.json: it is of the schedule x/),
    ]);
  });

  it('with a span of another log is found out, without any key', async () => {
    const aside = join(home, 'aside');
    const forged = craftLeaves(600, { 3: { credential: 'payments-api' } });
    const [name = ''] = await craftSchedule(aside, forged, [{ from: 200, to: 350 }], key);
    await craftSchedule(`${home}/all`, leaves, SHAPES, key);
    await rm(join(home, 'all', name), { recursive: true });
    await rename(join(aside, name), join(home, 'all', name));
    expect(await named(join(home, 'all'), { keys: [] })).toEqual([
      expect.stringMatching(/^000000000200-.*: the log before entry 200 is not/),
      expect.stringMatching(/^000000000350-.*: the log before entry 350 is not/),
    ]);
  });

  it('is verified as a whole; what a writer has not finished is no part of it', async () => {
    await rename(join(home, MIDDLE), join(home, `.${MIDDLE}.7.part`));
    await craftSchedule(join(home, 'x'), leaves, SHAPES, key);
    await rename(join(home, 'x', MIDDLE), join(home, MIDDLE));
    await rm(join(home, 'x'), { recursive: true });
    const rootHash = rootOf(leaves.slice(0, 350)).toString('hex');
    expect(await verifyPath(home, { keys: [key.line], expectedHead: { size: 350, rootHash } })).toMatchObject(
      {
        ...{ ok: true, kind: 'schedule', count: 600, firstIndex: 0, lastIndex: 599, checkpointSize: 600 },
        problems: [],
      },
    );
    const wrong = await verifyPath(home, { expectedHead: { size: 349, rootHash } });
    expect(wrong.problems.map(({ problem }) => problem).join()).toMatch(/at size 349 is not the one/);
  });
});
