import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { repositoryRoot } from '../../../src/dev/repository.js';
import { buildOnce } from '../../support/build-once.js';

const LONG_MS = 400_000;
const run = promisify(execFile);
const runner = join(repositoryRoot(), 'tools', 'run.mjs');

it('refuses a drill that there is not', async () => {
  await buildOnce();
  await expect(run(process.execPath, [runner, 'drill', 'fire'])).rejects.toMatchObject({ code: 2 });
}, 240_000);

it(
  'puts PostgreSQL, Vault and both back, and the books agree after each',
  async () => {
    const { stdout } = await run(process.execPath, [runner, 'drill', 'restore', '--json'], {
      timeout: LONG_MS,
    });
    const { ok, steps } = JSON.parse(stdout) as { ok: boolean; steps: { name: string; ok: boolean }[] };
    expect({ ok, failed: steps.filter((step) => !step.ok) }).toEqual({ ok: true, failed: [] });
    for (const restored of ['postgres: copy put back', 'vault: snapshot put back', 'both: copies put back']) {
      expect(steps.map(({ name }) => name)).toContain(restored);
    }
  },
  LONG_MS,
);
