import fc from 'fast-check';
import { appendFile, mkdtemp, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { LogCursor } from '../../../../src/gateway/shadow/follow/log-cursors.js';
import { readOn } from '../../../../src/gateway/shadow/follow/log-file.js';

const STEP = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ act: fc.constant('write' as const), lines: fc.integer({ min: 1, max: 5 }) }),
  },
  { weight: 2, arbitrary: fc.constant({ act: 'rename' as const }) },
  { weight: 4, arbitrary: fc.constant({ act: 'read' as const }) },
);

it('gives each line once and in order, however the file is written and renamed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(STEP, { maxLength: 20 }), async (steps) => {
      const folder = await mkdtemp(join(tmpdir(), 'leasegate-log-'));
      const path = join(folder, 'audit.log');
      const got: string[] = [];
      let cursor: LogCursor | undefined;
      let written = 0;
      let renamed = 0;
      const drain = async (): Promise<void> => {
        for (let chunk = await readOn(path, cursor); chunk; chunk = await readOn(path, cursor)) {
          expect(chunk.gap).toBe(false);
          got.push(...chunk.lines);
          cursor = chunk.next;
        }
      };
      try {
        for (const step of steps) {
          if (step.act === 'read') await drain();
          else if (step.act === 'write')
            for (let count = 0; count < step.lines; count += 1)
              await appendFile(path, `line ${(written += 1)}\n`);
          else {
            // What was rotated away before anybody looked is not looked for.
            if (cursor === undefined) await drain();
            const old = `${path}.${(renamed += 1)}`;
            // Clocks of file systems are coarse, and rotations are not that quick.
            await rename(path, old).then(
              () => utimes(old, renamed, renamed),
              () => undefined,
            );
          }
        }
        await drain();
        expect(got).toEqual(Array.from({ length: written }, (_, index) => `line ${index + 1}`));
      } finally {
        await rm(folder, { recursive: true });
      }
    }),
    { seed: 20_261_121, numRuns: 100 },
  );
});

it('takes a line when it is whole, and says when some were cut off', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'leasegate-log-'));
  const path = join(folder, 'audit.log');
  try {
    expect(await readOn(path, undefined)).toBeUndefined();
    await writeFile(path, 'one\ntw');
    const first = await readOn(path, undefined);
    expect(first).toMatchObject({ lines: ['one'], gap: false, next: { readBytes: 4 } });
    expect(await readOn(path, first?.next)).toBeUndefined();
    await appendFile(path, 'o\n');
    const second = await readOn(path, first?.next);
    expect(second).toMatchObject({ lines: ['two'], next: { readBytes: 8 } });
    await truncate(path, 4);
    expect(await readOn(path, second?.next)).toMatchObject({ lines: [], gap: true, next: { readBytes: 4 } });
    await writeFile(path, 'other\n');
    expect(await readOn(path, second?.next)).toMatchObject({ lines: ['other'], gap: true });
  } finally {
    await rm(folder, { recursive: true });
  }
});
