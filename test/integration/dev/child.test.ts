import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startChild, type ChildPlan } from '../../../src/dev/child.js';
import { Reaper } from '../../../src/dev/reaper.js';
import { repositoryRoot } from '../../../src/dev/repository.js';
import { buildOnce } from '../../support/build-once.js';
import { until } from '../../support/until.js';

let reaper: Reaper;
beforeEach(() => {
  reaper = new Reaper();
});
afterEach(() => reaper.close());

const plan = (script: string, more: Partial<ChildPlan> = {}): ChildPlan => ({
  name: 'a program',
  command: '/bin/sh',
  args: ['-c', script],
  env: { PATH: '/usr/bin:/bin' },
  ready: (output) => output.includes('ready'),
  deadlineMs: 60_000,
  ...more,
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // One that has ended stays known until its parent has asked how.
    return !/^Z/.test(execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).trim());
  } catch {
    return false;
  }
}

it('fails with the output of a program that ends before it is ready', async () => {
  await expect(startChild(reaper, plan('echo it broke >&2; exit 3'))).rejects.toThrow(
    /a program ended \(3\) before it was ready:\nit broke/,
  );
});

it('fails when the program is not there', async () => {
  await expect(startChild(reaper, plan('', { command: '/nowhere/at/all' }))).rejects.toThrow(
    /could not be started/,
  );
});

it('ends a program that does not become ready in time', async () => {
  await expect(startChild(reaper, plan('echo $$; sleep 60', { deadlineMs: 200 }))).rejects.toThrow(
    /was not ready after 200 ms/,
  );
});

it('kills a program that does not heed the signal, and what it started', async () => {
  const child = await startChild(
    reaper,
    plan("trap '' TERM; sleep 60 & echo $! ready; while true; do sleep 0.1; done", { stopMs: 200 }),
  );
  const grandchild = Number(/(\d+) ready/.exec(child.output())?.[1]);
  expect(isRunning(grandchild)).toBe(true);
  await child.stop();
  expect(await child.exited).toBe('SIGKILL');
  await until(() => !isRunning(grandchild), { what: 'the grandchild to end' });
});

it('ends what belongs to a process that was killed', async () => {
  await buildOnce();
  const built = (file: string): string =>
    pathToFileURL(join(repositoryRoot(), 'dist', 'src', 'dev', file)).href;
  const script = `
    const { Reaper } = await import('${built('reaper.js')}');
    const { startChild } = await import('${built('child.js')}');
    const reaper = new Reaper();
    const folder = await reaper.directory('reaper-test');
    const child = await startChild(reaper, ${JSON.stringify(plan('echo ready; sleep 60', {})).replace(
      /}$/,
      '',
    )}, ready: () => true });
    console.log(JSON.stringify({ folder, pid: child.pid }));
    setInterval(() => {}, 1000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said = await new Promise<{ folder: string; pid: number }>((resolve) =>
    owner.stdout.once('data', (data: Buffer) =>
      resolve(JSON.parse(data.toString()) as { folder: string; pid: number }),
    ),
  );
  expect(isRunning(said.pid)).toBe(true);
  expect(existsSync(said.folder)).toBe(true);
  owner.kill('SIGKILL');
  await until(() => !isRunning(said.pid) && !existsSync(said.folder), { what: 'the reaper to do its work' });
});
