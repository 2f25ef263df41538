import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { STEP_NAMES } from '../../../src/dev/demo/step.js';
import { repositoryRoot } from '../../../src/dev/repository.js';
import { buildOnce } from '../../support/build-once.js';
import { until } from '../../support/until.js';

const LONG_MS = 180_000;
const run = promisify(execFile);

interface Demo {
  readonly process: ChildProcess;
  readonly out: () => string;
  readonly err: () => string;
  readonly ended: Promise<number | null>;
}

interface Document {
  readonly ok: boolean;
  readonly steps: readonly { name: string; ok: boolean; ms: number; detail: string }[];
}

/** All of a demonstration's files go here; what is left of it is left here, or names this in its arguments. */
let folder: string;

function demo(words: readonly string[], env: Readonly<Record<string, string>> = {}): Demo {
  const child = spawn(process.execPath, [join(repositoryRoot(), 'tools', 'run.mjs'), 'demo', ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: folder, NO_COLOR: '1', ...env },
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { process: child, out: () => out, err: () => err, ended };
}

/** Waits for text on standard error; gives up when the demonstration has ended without it. */
async function says(demo: Demo, text: string): Promise<void> {
  const gaveUp = demo.ended.then((code) => {
    if (!demo.err().includes(text)) throw new Error(`it ended with ${code}:\n${demo.err()}`);
  });
  await Promise.race([gaveUp, until(() => demo.err().includes(text), { deadlineMs: LONG_MS, what: text })]);
}

async function leftOver(): Promise<string[]> {
  const { stdout } = await run('ps', ['-eww', '-o', 'pid=,args=']);
  const processes = stdout.split('\n').filter((line) => line.includes(folder));
  return [...processes, ...(await readdir(folder))];
}

beforeAll(() => buildOnce(), LONG_MS);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'leasegate-demo-test-'));
  // As root, PostgreSQL runs as another user, who has to get in.
  await chmod(folder, 0o711);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('npm run demo', { timeout: LONG_MS }, () => {
  it('refuses what it does not know, with exit code 2', async () => {
    const { ended, err } = demo(['--jsno']);
    expect(await ended).toBe(2);
    expect(err()).toContain("Unknown option '--jsno'");
  });

  it('names what is missing, with exit code 3 and one document', async () => {
    const { ended, out, err } = demo(['--json'], {
      PATH: dirname(process.execPath),
      LEASEGATE_VAULT_BIN: '/nowhere',
    });
    expect(await ended).toBe(3);
    const { ok, steps } = JSON.parse(out()) as Document;
    expect(ok).toBe(false);
    expect(steps.map((step) => [step.name, step.ok])).toEqual([
      ['install', true],
      ['vault', false],
      ['stop', true],
    ]);
    expect(err()).toContain('LEASEGATE_VAULT_BIN is set, but');
    expect(await leftOver()).toEqual([]);
  });

  it('refuses a Vault that does not take the token', async () => {
    const { ended, out } = demo(['--json', '--vault-addr', 'http://127.0.0.1:1']);
    expect(await ended).toBe(1);
    expect((JSON.parse(out()) as Document).steps.find(({ name }) => name === 'vault')?.ok).toBe(false);
  });

  it('leaves nothing behind when it is interrupted half way', async () => {
    const started = demo(['--json']);
    await says(started, 'ok   database');
    started.process.kill('SIGINT');
    expect(await started.ended).toBe(130);
    expect(await leftOver()).toEqual([]);
  });

  it('leaves nothing behind when it is killed', async () => {
    const started = demo(['--json']);
    await says(started, 'ok   issuer');
    started.process.kill('SIGKILL');
    await started.ended;
    await until(async () => (await leftOver()).length === 0, {
      deadlineMs: 60_000,
      what: 'nothing to be left',
    });
  });

  it('tells the whole story, stays up, and prints lines for a shell that work', async () => {
    const started = demo(['--json', '--keep']);
    await says(started, '/openapi.json');
    const { ok, steps } = JSON.parse(started.out()) as Document;
    expect(steps.filter((step) => !step.ok)).toEqual([]);
    expect(ok).toBe(true);
    expect(steps.map(({ name }) => name)).toEqual(STEP_NAMES);
    expect(steps.every(({ ms }) => Number.isInteger(ms))).toBe(true);
    expect(steps.find(({ name }) => name === 'worker-logs-in')?.detail).toMatch(/^current_user = v-/);

    const text = started.err();
    const lines = text
      .slice(text.indexOf('# Where things are'))
      .replaceAll('curl -sS', 'curl --fail-with-body -sS');
    const shell = await run('bash', ['-e', '-o', 'pipefail', '-c', lines], { maxBuffer: 32 * 1_048_576 });
    expect(shell.stderr).toBe('');
    expect(shell.stdout).toContain('"state":"active"');

    started.process.kill('SIGINT');
    expect(await started.ended).toBe(0);
    expect(await leftOver()).toEqual([]);
  });
});
