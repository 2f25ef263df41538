import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CrashPoint } from '../../../src/kernel/crash-point.js';
import { until } from '../../support/until.js';
import { startWorld, type World } from '../../support/world.js';
import { checkSpans } from './schedule-parts.js';

const POINTS: readonly CrashPoint[] = [
  'export.span-fixed',
  'export.written',
  'export.published',
  'export.moved',
];
const DEADLINE = { deadlineMs: 120_000 };

let world: World;
let folder: string;
let armed: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'leasegate-export-crash-'));
  armed = await mkdtemp(join(tmpdir(), 'leasegate-armed-'));
  world = await startWorld({
    mode: 'process',
    env: { LEASEGATE_CRASH_AT: `@${armed}` },
    settings: {
      scheduler: { claimMs: 1_000 },
      exports: [{ name: 'all', every: '1s', directory: folder, compression: 'gzip' }],
    },
  });
}, 240_000);
afterAll(async () => {
  await world.stop();
  await rm(folder, { recursive: true });
  await rm(armed, { recursive: true });
});

const spans = async (): Promise<string[]> =>
  (await readdir(join(folder, 'all')).catch(() => [])).filter((name) => !name.startsWith('.')).sort();
const more = async (than: number): Promise<void> => {
  await until(async () => (await spans()).length >= than + 2, { ...DEADLINE, what: 'two more exports' });
};
const nextIndex = async (): Promise<number> => {
  const [row] = await world.query<{ n: string }>(`SELECT next_index AS n FROM scheduled_exports`);
  return Number(row?.n);
};

describe('scheduled exports have neither gap nor double', () => {
  it.each(POINTS)('after a replica is killed at %s', { timeout: 240_000 }, async (point) => {
    await more(0);
    await writeFile(join(armed, point), 'kill');
    expect(await world.broker.exited).toBe('SIGKILL');
    const before = (await spans()).length;
    await world.restart();
    await more(before);
    expect(await checkSpans(join(folder, 'all'), (await spans()).slice(0, -1))).toBeLessThanOrEqual(
      await nextIndex(),
    );
  });

  it.each(POINTS)(
    'after one stands still at %s, is overtaken, and goes on',
    { timeout: 240_000 },
    async (point) => {
      const { pid } = world.broker;
      await writeFile(join(armed, point), 'freeze');
      await until(() => existsSync(join(armed, `${point}.${pid}`)), DEADLINE);
      const before = (await spans()).length;
      const other = await world.replica();
      try {
        await more(before);
        process.kill(pid, 'SIGCONT');
        await more((await spans()).length);
      } finally {
        process.kill(pid, 'SIGCONT');
        await other.stop();
      }
      await more((await spans()).length);
      await checkSpans(join(folder, 'all'), (await spans()).slice(0, -1));
    },
  );

  it(
    'and in the end each entry is in one file, and no half of one is left',
    { timeout: 240_000 },
    async () => {
      await world.stopBroker();
      const names = await spans();
      const end = await checkSpans(join(folder, 'all'), names);
      // The last one may be there without its cursor: then it is found written.
      expect(end).toBeGreaterThanOrEqual(await nextIndex());
      expect(Number(names.at(-1)?.split('-')[1])).toBe(end);
    },
  );
});
