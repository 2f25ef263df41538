import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { LeaseView } from '../../../src/sdk/api-types.js';
import { until } from '../../support/until.js';
import { startWorld, type World } from '../../support/world.js';
import { compileCli, type CompiledCli } from '../../unit/cli/compiled-cli.js';
import { start, type Ended } from './program.js';

// Each command is a process, and the machine may be busy.
vi.setConfig({ testTimeout: 240_000 });

let world: World;
let cli: CompiledCli;
const folder = mkdtempSync(join(tmpdir(), 'leasegate-worker-'));

beforeAll(async () => {
  cli = compileCli();
  world = await startWorld();
});
afterAll(async () => {
  cli.remove();
  rmSync(folder, { recursive: true });
  await world.stop();
});

async function identity(
  runId: string,
  claims: Readonly<Record<string, unknown>> = {},
): Promise<Record<string, string>> {
  return {
    LEASEGATE_URL: world.baseUrl,
    LEASEGATE_OIDC_TOKEN: await world.workerToken(claims),
    LEASEGATE_RUN_ID: runId,
    LEASEGATE_STEP_ID: 'load',
    XDG_CONFIG_HOME: folder,
  };
}

async function run(words: readonly string[], environment: Record<string, string>): Promise<Ended> {
  return start(cli, words, environment).ended();
}

async function currentUser(account: { username: string; password: string }): Promise<string | undefined> {
  const client = new pg.Client({ connectionString: world.target.urlFor(account) });
  await client.connect();
  try {
    return (await client.query<{ current_user: string }>('select current_user')).rows[0]?.current_user;
  } finally {
    await client.end();
  }
}

describe('refused', () => {
  it('a stranger, before anything is started', async () => {
    const marker = join(folder, 'stranger');
    const environment = await identity('run-stranger', { sub: 'jobs/stranger' });
    const { exitCode, stderr } = await run(
      ['exec', '--credential', 'orders-readonly', '--', 'touch', marker],
      environment,
    );
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/grant_not_found: .*\n\s+reference: \S+\n\s+next: /);
    expect(existsSync(marker)).toBe(false);
  });

  it('a worker that names no run', async () => {
    const { LEASEGATE_RUN_ID: _run, ...environment } = await identity('');
    const { exitCode, stdout } = await run(['lease', 'orders-readonly', '--json'], environment);
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'run_identity_missing', next: expect.stringContaining('--run-id') as string },
    });
  });

  it('one of two credentials; the other is released', async () => {
    const words = ['exec', '--credential', 'orders-readonly', '--credential', 'not-granted', '--', 'true'];
    const { exitCode, stderr } = await run(words, await identity('run-half'));
    expect(exitCode).toBe(1);
    expect(stderr).toContain('not-granted could not be leased');
    const rows = await world.query<{ state: string }>(
      "SELECT l.state FROM leases l JOIN runs r ON r.id = l.run_ref WHERE r.run_id = 'run-half'",
    );
    expect(rows).toEqual([{ state: 'revoked' }]);
  });
});

describe('a worker', () => {
  it('leases, logs in, renews, releases, and cannot log in any more', async () => {
    const environment = await identity('run-steps');
    const leased = await run(['lease', 'orders-readonly', '--ttl', '60', '--json'], environment);
    const { lease, credential } = JSON.parse(leased.stdout) as {
      lease: LeaseView;
      credential: { username: string; password: string };
    };
    expect(await currentUser(credential)).toBe(credential.username);
    const renewed = await run(['lease', 'renew', lease.id, '--ttl', '10m', '--json'], environment);
    expect(Date.parse((JSON.parse(renewed.stdout) as LeaseView).expires_at)).toBeGreaterThan(
      Date.parse(lease.expires_at),
    );
    const released = await run(['lease', 'release', lease.id], environment);
    expect(released.stdout).toContain('revoked');
    await expect(currentUser(credential)).rejects.toThrow(/password authentication failed/);
  });

  it('does it with a run token that was exchanged before', async () => {
    const { stdout: raw } = await run(['token', 'exchange', '--raw'], await identity('run-token'));
    const environment = { LEASEGATE_URL: world.baseUrl, LEASEGATE_RUN_TOKEN: raw.trim() };
    const { exitCode, stdout } = await run(['lease', 'payments-api', '--format', 'json'], environment);
    expect([exitCode, typeof JSON.parse(stdout)]).toEqual([0, 'object']);
    const closed = await run(['run', 'close', '--json'], environment);
    expect(JSON.parse(closed.stdout)).toMatchObject({
      run: { run_id: 'run-token', state: 'closed' },
      leases: 1,
    });
    expect((await run(['lease', 'payments-api'], environment)).stderr).toContain('run_closed');
  });

  it('runs a command whose credential dies with it', async () => {
    const words = [
      'exec',
      '--credential',
      'orders-readonly=DB',
      '--close-run',
      '--',
      'sh',
      '-c',
      'echo "$DB_USERNAME:$DB_PASSWORD"; exit 3',
    ];
    const { exitCode, stdout, stderr } = await run(words, await identity('run-exec'));
    expect(stderr).toBe('');
    expect(exitCode).toBe(3);
    const [username = '', password = ''] = stdout.trim().split(':');
    await expect(currentUser({ username, password })).rejects.toThrow(/password authentication failed/);
    const [row] = await world.query<{ state: string }>("SELECT state FROM runs WHERE run_id = 'run-exec'");
    expect(row?.state).toBe('closed');
  });

  it('is told when an admin ends its run, and why its credential will not last', async () => {
    const environment = await identity('run-revoked');
    const words = [
      'exec',
      '--credential',
      'orders-readonly',
      '--ttl',
      '10s',
      '--',
      'sh',
      '-c',
      'echo ready; exec sleep 60',
    ];
    const worker = start(cli, words, environment);
    await until(() => worker.stdout.includes('ready'));
    const renewals =
      "SELECT renewals FROM leases l JOIN runs r ON r.id = l.run_ref WHERE r.run_id = 'run-revoked'";
    await until(async () => ((await world.query<{ renewals: number }>(renewals))[0]?.renewals ?? 0) > 0);
    const admin = { LEASEGATE_URL: world.baseUrl, LEASEGATE_TOKEN: await world.adminToken() };
    const listed = await run(['run', 'list', '--run-id', 'run-revoked', '--json'], admin);
    const [found] = (JSON.parse(listed.stdout) as { items: { id: string }[] }).items;
    expect((await run(['run', 'revoke', found?.id ?? '', '--reason', 'test'], admin)).exitCode).toBe(0);
    await until(() =>
      /the lease of orders-readonly cannot be renewed: (run_closed|lease_not_active)/.test(worker.stderr),
    );
    worker.child.kill('SIGTERM');
    expect((await worker.ended()).exitCode).toBe(143);
  });

  it('takes a wrapped credential without seeing it', async () => {
    const { exitCode, stdout } = await run(
      ['lease', 'orders-readonly', '--delivery', 'wrapped', '--json'],
      await identity('run-wrapped'),
    );
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      lease: { delivery: 'wrapped' },
      wrapping: { wrapping_token: expect.any(String) as string },
    });
  });
});
