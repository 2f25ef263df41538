import fc from 'fast-check';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { repositoryRoot } from '../../../src/dev/repository.js';
import { blocksOf } from '../../../src/sdk/verify/blocks.js';
import { ExportCheck } from '../../../src/sdk/verify/export-check.js';
import type * as Verify from '../../../src/sdk/verify-export.js';
import type { VerifyOptions } from '../../../src/sdk/verify-export.js';
import { leafHash } from '../../../src/tlog/hash.js';
import { tlogProofText } from '../../../src/tlog/tlog-proof.js';
import { inclusionSpans } from '../../../src/tlog/proof.js';
import { craftCheckpoint, craftExport, craftKey, craftLeaves } from '../../audit-tamper/crafted-log.js';
import { buildOnce } from '../../support/build-once.js';
import { exported, logOf, rangeOf } from './sample-log.js';

// Three blocks of a MiB and a bit.
const COUNT = 5_500;
const leaves = craftLeaves(COUNT);
const key = craftKey();
const lines = craftExport(leaves, craftCheckpoint(leaves, [key]));
const feed = 0x0a;

let verifyExport: typeof Verify.verifyExport;

beforeAll(async () => {
  // Threads run what is compiled.
  await buildOnce();
  const url = pathToFileURL(join(repositoryRoot(), 'dist', 'src', 'sdk', 'verify-export.js'));
  ({ verifyExport } = (await import(url.href)) as typeof Verify);
}, 300_000);

async function* pieces(file: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < file.length; at += size) yield await Promise.resolve(file.subarray(at, at + size));
}
const verify = (file: Buffer, options: VerifyOptions, size = 300_001) =>
  verifyExport(pieces(file, size), { maxProblems: 10_000, ...options });

/** Line by line, with no scan before: what is found must not hang on what a scan took for right. */
async function plainly(file: Buffer, options: VerifyOptions) {
  const check = new ExportCheck({ maxProblems: 10_000, ...options });
  let first = true;
  for await (const block of blocksOf(pieces(file, 1 << 20), 2)) {
    check.block(block, first ? check.firstLine(block) : 0, undefined);
    first = false;
  }
  return check.finish();
}

async function sameForAll(file: Buffer, options: VerifyOptions = { keys: [key.line] }) {
  const one = await verify(file, options);
  expect(one).toEqual(await plainly(file, options));
  expect(await verify(file, { ...options, threads: 2 }, 70_000)).toEqual(one);
  expect(await verify(file, { ...options, threads: 3 }, 1 << 22)).toEqual(one);
  return one;
}

describe('an export is verified with any number of threads', () => {
  it('and found right', { timeout: 240_000 }, async () => {
    const head = rangeOf(
      leaves.map((leaf, index) => ({ index, leaf, leafHash: leafHash(leaf) })),
      0,
      4_321,
    );
    const expectedHead = { size: 4_321, rootHash: head.root().toString('hex') };
    const file = Buffer.from(`${lines.join('\n')}\n`);
    expect(file.length).toBeGreaterThan(3 << 20);
    const seen: number[] = [];
    expect(
      await sameForAll(file, {
        keys: [key.line],
        expectedHead,
        onProgress: ({ entries, total }) => void seen.push(entries, total ?? 0),
      }),
    ).toMatchObject({ ok: true, count: COUNT, checkpointSize: COUNT, problems: [] });
    expect(seen.at(-2)).toBe(COUNT);
    expect(seen.at(-1)).toBe(COUNT);
  });

  it(
    'and the same is found wrong, in the same words, wherever it was tampered with',
    { timeout: 600_000 },
    async () => {
      const places = fc.nat(lines.length - 1);
      const tampered = fc.oneof(
        fc.tuple(places, places).map(([at, to]) => lines.toSpliced(at, 1).toSpliced(to, 0, lines[at]!)),
        fc.tuple(places, fc.integer({ min: 1, max: 2_000 })).map(([at, n]) => lines.toSpliced(at, n)),
        places.map((at) => lines.toSpliced(at, 0, lines[at]!)),
        fc
          .tuple(places, fc.constantFrom('', '{}', 'x'.repeat(600_000), 'x'.repeat(2_300_000), '\u0000'))
          .map(([at, by]) => lines.with(at, by)),
        places.map((at) => lines.with(at, lines[at]!.replace('success', 'refused'))),
        places.map((at) => lines.with(at, lines[at]!.replace('"leaf_hash":"', '"leaf_hash":"0'))),
        places.map((at) =>
          lines.with(
            at,
            lines[at]!.replace(/(hash":")(.)/, (_, name: string) => `${name}5`),
          ),
        ),
      );
      await fc.assert(
        fc.asyncProperty(tampered, fc.nat(), fc.nat(7), fc.boolean(), async (changed, byte, bit, cut) => {
          const file = Buffer.from(`${changed.join('\n')}\n`);
          file[byte % file.length]! ^= 1 << bit;
          await sameForAll(cut ? file.subarray(0, byte % file.length) : file);
        }),
        { seed: 20_261_121, numRuns: 25 },
      );
    },
  );

  it('also when many entries are proved one by one', { timeout: 240_000 }, async () => {
    const events = Array.from({ length: 600 }, (_, n) => ({ v: 1, n, text: 'x'.repeat(4_000) }));
    const log = logOf(events);
    const note = craftCheckpoint(
      log.map(({ leaf }) => leaf),
      [key],
    );
    const proofs = log.map(({ index }) =>
      tlogProofText(
        index,
        inclusionSpans(index, log.length).map(({ begin, end }) => rangeOf(log, begin, end).root()),
        note,
      ),
    );
    const proved = log.map((entry, at) => ({ ...entry, proof: proofs[at]! }));
    const whole = exported(proved, {
      keep: (index) => index % 2 === 0,
      checkpoint: { note, size: log.length },
    });
    const origin = whole.replaceAll(
      'leasegate/5f0c3b1e-8f43-4b1a-9d0e-111111111111',
      'leasegate/of-the-test',
    );
    const file = Buffer.from(origin);
    expect((await sameForAll(file)).proved).toBe(300);
    file[file.lastIndexOf(feed, file.length / 2) + 30]! ^= 1;
    expect((await sameForAll(file)).ok).toBe(false);
  });
});
