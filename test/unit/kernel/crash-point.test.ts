import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repositoryRoot } from '../../../src/dev/repository.js';
import { buildOnce } from '../../support/build-once.js';
import { until } from '../../support/until.js';

const POINT = 'lease.issue.requested';
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'leasegate-crash-'));
  await buildOnce();
}, 240_000);
afterAll(() => rmSync(folder, { recursive: true }));

/** A process that passes another point and this one, twice, and then ends. */
function passing(environment: Record<string, string>): ReturnType<typeof spawn> {
  const module = pathToFileURL(join(repositoryRoot(), 'dist/src/kernel/crash-point.js')).href;
  const script = `const { crashPoint } = await import('${module}');
    for (const point of ['lease.issue.decided', '${POINT}', '${POINT}']) crashPoint(point);`;
  return spawn(process.execPath, ['--input-type=module', '-e', script], { env: environment });
}

function end(child: ReturnType<typeof spawn>): Promise<number | NodeJS.Signals | null> {
  return new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
}

function isStopped(pid: number | undefined): boolean {
  return /\) T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

describe('a crash point', () => {
  it.each([
    ['outside tests', { NODE_ENV: 'production', LEASEGATE_CRASH_AT: POINT }],
    ['without an environment', { LEASEGATE_CRASH_AT: POINT }],
    ['that is not armed', { NODE_ENV: 'test', LEASEGATE_CRASH_AT: '' }],
    ['of another name', { NODE_ENV: 'test', LEASEGATE_CRASH_AT: 'lease.issue.issued' }],
  ])('does nothing %s', async (_when, environment) => {
    expect(await end(passing(environment))).toBe(0);
  });

  it.each([POINT, `${POINT}:kill`])('kills (%s)', async (armed) => {
    expect(await end(passing({ NODE_ENV: 'test', LEASEGATE_CRASH_AT: armed }))).toBe('SIGKILL');
  });

  it('freezes once', async () => {
    const child = passing({ NODE_ENV: 'test', LEASEGATE_CRASH_AT: `${POINT}:freeze` });
    const ended = end(child);
    await until(() => isStopped(child.pid), { what: 'the stop' });
    child.kill('SIGCONT');
    expect(await ended).toBe(0);
  });

  it('is armed by a file, which the first to pass it takes', async () => {
    writeFileSync(join(folder, POINT), 'kill');
    const environment = { NODE_ENV: 'test', LEASEGATE_CRASH_AT: `@${folder}` };
    const first = passing(environment);
    expect(await end(first)).toBe('SIGKILL');
    expect(readFileSync(join(folder, `${POINT}.${first.pid}`), 'utf8')).toBe('kill');
    expect(await end(passing(environment))).toBe(0);
  });
});
