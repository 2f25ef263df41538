import { createServer, type Server } from 'node:http';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { until } from '../../support/until.js';
import { startWorld, type World } from '../../support/world.js';
import { compileCli, type CompiledCli } from '../../unit/cli/compiled-cli.js';
import { start, type Ended } from './program.js';

// Each command is a process, and the machine may be busy.
vi.setConfig({ testTimeout: 240_000 });

const RUN = 'nightly-audit';
let world: World;
let cli: CompiledCli;
let proxy: Server;
/** How many exports the proxy cuts off still, after how much of them. */
let cuts = 0;
let share = 0.6;
/** The file that has to have all of that before: what is on its way when a connection breaks may be lost with it. */
let arrivesIn: string | undefined;
let key: string;
const folder = mkdtempSync(join(tmpdir(), 'leasegate-cli-audit-'));
const file = (name: string): string => join(folder, name);

beforeAll(async () => {
  cli = compileCli();
  world = await startWorld({ mode: 'process' });
  const token = await world.runToken({ runId: RUN });
  const body = { credential: 'orders-readonly', ttl_seconds: 60 };
  for (let n = 0; n < 3; n += 1)
    expect((await world.call('POST', '/v1/leases', { token, body })).status).toBe(201);
  await until(async () => (await world.query('SELECT 1 FROM audit_checkpoint WHERE size > 12')).length > 0, {
    deadlineMs: 60_000,
  });
  proxy = createServer((request, response) => {
    void (async () => {
      const answer = await fetch(`${world.baseUrl}${request.url}`, {
        headers: { authorization: request.headers.authorization ?? '', accept: request.headers.accept ?? '' },
      });
      const bytes = Buffer.from(await answer.arrayBuffer());
      const headers = [...answer.headers].filter(([name]) => /^(content-type|leasegate-)/.test(name));
      response.writeHead(answer.status, Object.fromEntries(headers));
      if (cuts === 0 || request.url?.startsWith('/v1/audit/export?') !== true) return response.end(bytes);
      cuts -= 1;
      const sent = bytes.subarray(0, Math.floor(bytes.length * share));
      const arrived = arrivesIn;
      await new Promise((resolve) => response.write(sent, resolve));
      if (arrived !== undefined)
        await until(() => existsSync(arrived) && statSync(arrived).size >= sent.length, {
          deadlineMs: 60_000,
        });
      return response.destroy();
    })();
  }).listen(0, '127.0.0.1');
  await until(() => proxy.address() !== null, { deadlineMs: 10_000 });
  const keys = await run(['audit', 'keys']);
  key = keys.stdout.trim().split('\n').at(-1) ?? '';
}, 240_000);
afterAll(async () => {
  proxy.close();
  cli.remove();
  rmSync(folder, { recursive: true });
  await world.stop();
});

async function run(words: readonly string[], url = world.baseUrl): Promise<Ended> {
  const LEASEGATE_TOKEN = await world.adminToken(['auditor']);
  return start(cli, words, { LEASEGATE_URL: url, LEASEGATE_TOKEN, XDG_CONFIG_HOME: folder }).ended();
}
const cutting = (words: readonly string[]): Promise<Ended> =>
  run(words, `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
const verified = async (path: string, ...more: string[]) => {
  const { stdout, exitCode } = await run(['audit', 'verify', path, '--key', key, '--json', ...more]);
  return { exitCode, ...(JSON.parse(stdout) as Record<string, unknown>) };
};

const refusedWith =
  (code: string) =>
  ({ exitCode, stderr }: Ended): boolean =>
    exitCode === 1 && stderr.includes(code);

describe('an export that is cut off', () => {
  it('leaves nothing behind, and exits with 3', async () => {
    cuts = 1;
    const { exitCode, stderr } = await cutting(['audit', 'export', '--output', file('none.jsonl')]);
    expect([exitCode, existsSync(file('none.jsonl'))]).toEqual([3, false]);
    expect(stderr).toContain('export_cut');
  });

  it('cannot be resumed in a form that cannot be joined, nor to nowhere', async () => {
    for (const words of [['--format', 'csv', '--output', file('x.csv')], []])
      expect((await run(['audit', 'export', '--resume', ...words])).exitCode).toBe(2);
  });

  it.each([
    ['whole', []],
    ['filtered', ['--kind', 'lease.issued', '--kind', 'lease.requested', '--kind', 'run.opened']],
  ])('goes on with --resume where it was cut, and verifies: %s', async (name, filters) => {
    const path = file(`${name}.jsonl`);
    const words = ['audit', 'export', '--resume', '--output', path, ...filters];
    cuts = 2;
    share = 0.6;
    arrivesIn = `${path}.part`;
    expect((await cutting(words)).exitCode).toBe(3);
    arrivesIn = undefined;
    expect([existsSync(path), existsSync(`${path}.part`)]).toEqual([false, true]);
    share = 0.8;
    expect((await cutting(words)).exitCode).toBe(3);
    const { exitCode, stderr } = await cutting(words);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('written to')]);
    expect(existsSync(`${path}.part`)).toBe(false);
    expect(await verified(path)).toMatchObject({ exitCode: 0, ok: true, problem_count: 0 });
    expect((await cutting(words)).exitCode).toBe(2);
  });

  it('is not made to fit a manifest that it cannot have: what to do is said before anything is asked', async () => {
    const path = file('one.jsonl');
    const words = ['audit', 'export', '--resume', '--manifest', '--output', path];
    cuts = 1;
    share = 0.6;
    arrivesIn = `${path}.part`;
    expect((await cutting(words)).exitCode).toBe(3);
    arrivesIn = undefined;
    const part = readFileSync(`${path}.part`);
    const { exitCode, stderr } = await cutting(words);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('Go on without --manifest')]);
    expect([existsSync(path), readFileSync(`${path}.part`)]).toEqual([false, part]);
    rmSync(`${path}.part`);
    expect((await cutting(words)).exitCode).toBe(0);
    const manifest = ['--manifest', `${path}.manifest.json`];
    expect(await verified(path, ...manifest)).toMatchObject({ exitCode: 0, ok: true });
  });

  it('does not go on from what was tampered with, nor from another log', async () => {
    const whole = readFileSync(file('whole.jsonl'), 'utf8').split('\n');
    const path = file('other.jsonl');
    const words = ['audit', 'export', '--resume', '--output', path];
    writeFileSync(`${path}.part`, whole.slice(0, 8).join('\n').replace('success', 'refused').concat('\n'));
    expect(await run(words)).toSatisfy(refusedWith('partial_damaged'));
    const from = (JSON.parse(whole[0] ?? '') as { origin: string }).origin;
    writeFileSync(`${path}.part`, whole.slice(0, 8).join('\n').replace(from, `${from}x`).concat('\n'));
    expect(await run(words)).toSatisfy(refusedWith('export_joint'));
  });
});

describe('what an auditor takes away', () => {
  it('is verified by its manifest in a form without hashes of its own', async () => {
    const path = file('log.csv');
    const words = ['audit', 'export', '--format', 'csv', '--output', path, '--manifest'];
    expect((await run(words)).exitCode).toBe(0);
    const manifest = ['--manifest', `${path}.manifest.json`];
    expect(await verified(path, ...manifest)).toMatchObject({ exitCode: 0, ok: true });
    writeFileSync(path, readFileSync(path, 'utf8').replace('success', 'refused'));
    expect(await verified(path, ...manifest)).toMatchObject({ exitCode: 1, ok: false, problem_count: 1 });
  });

  it('is a bundle that verifies', async () => {
    expect((await run(['audit', 'bundle', '--output', file('log.tar')])).exitCode).toBe(0);
    expect(await verified(file('log.tar'), '--threads', '2')).toMatchObject({
      exitCode: 0,
      ok: true,
      kind: 'bundle',
    });
  });
});

describe('an auditor asks', () => {
  it('how many events there were, and when', async () => {
    expect((await run(['audit', 'count', '--kind', 'lease.issued'])).stdout).toMatch(/3/);
    const { exitCode, stdout } = await run(['audit', 'histogram', '--kind', 'lease.issued', '--json']);
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining('"count":3')]);
  });

  it('who held a credential, and what a run did', async () => {
    await until(
      async () => (await run(['audit', 'who-held', '--credential', 'orders-readonly'])).stdout.includes(RUN),
      {
        deadlineMs: 90_000,
      },
    );
    const story = await run(['audit', 'run', RUN]);
    expect([story.exitCode, story.stdout]).toEqual([0, expect.stringContaining('orders-readonly')]);
    expect((await run(['audit', 'run', RUN, '--html', file('story.html')])).exitCode).toBe(0);
    const page = readFileSync(file('story.html'), 'utf8');
    expect(page).toMatch(/^<!doctype html>/i);
    // It loads nothing from anywhere.
    expect(page).not.toMatch(/<(script|img|link|iframe)\b[^>]*\b(src|href)=["']?https?:/i);
  });
});
