import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { GrantView } from '../../../src/sdk/api-types.js';
import { until } from '../../support/until.js';
import { startWorld, WORKER_SUBJECT, type World } from '../../support/world.js';
import { compileCli, type CompiledCli } from '../../unit/cli/compiled-cli.js';
import { start, type Ended } from './program.js';

// Each command is a process, and the machine may be busy.
vi.setConfig({ testTimeout: 240_000 });

let world: World;
let cli: CompiledCli;
const folder = mkdtempSync(join(tmpdir(), 'leasegate-admin-'));

beforeAll(async () => {
  cli = compileCli();
  world = await startWorld();
});
afterAll(async () => {
  cli.remove();
  rmSync(folder, { recursive: true });
  await world.stop();
});

async function run(
  words: readonly string[],
  options: { roles?: readonly string[]; stdin?: string } = {},
): Promise<Ended> {
  const environment = {
    LEASEGATE_URL: world.baseUrl,
    LEASEGATE_TOKEN: await world.adminToken(options.roles ?? ['admin', 'auditor', 'operator']),
    XDG_CONFIG_HOME: folder,
  };
  return start(cli, words, environment, options.stdin).ended();
}

async function json<T>(words: readonly string[], stdin?: string): Promise<T> {
  const { exitCode, stdout, stderr } = await run([...words, '--json'], stdin === undefined ? {} : { stdin });
  expect([words, exitCode, stderr]).toEqual([words, 0, '']);
  return JSON.parse(stdout) as T;
}

const GRANT = `
name: weekly
issuer: dev
workload: { claims: { sub: jobs/weekly } }
run: { from: asserted, step_from: asserted }
credentials:
  - name: orders-readonly
`;

describe('refused', () => {
  it('what the role does not allow', async () => {
    const { exitCode, stderr } = await run(['grant', 'create', '-f', '-'], {
      roles: ['auditor'],
      stdin: GRANT,
    });
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/role_required: .*\n\s+reference: /);
  });

  it('a grant that does not compile, and a field that there is not', async () => {
    const cel = GRANT.replace('jobs/weekly }', 'jobs/weekly }, cel: "claims. ="');
    expect((await run(['grant', 'create', '-f', '-'], { stdin: cel })).stderr).toContain(
      'grant_conditions_invalid',
    );
    const typo = await run(['grant', 'create', '-f', '-', '--json'], { stdin: `${GRANT}\nlimit: {}\n` });
    expect(typo.exitCode).toBe(1);
    expect(JSON.parse(typo.stdout)).toMatchObject({
      error: { code: 'request_invalid', reference: expect.any(String) as string },
    });
  });

  it('what there is not', async () => {
    for (const words of [
      ['grant', 'get', 'nobody'],
      ['leases', 'get', '0198c0de-0000-7000-8000-000000000000'],
    ]) {
      const { exitCode, stderr } = await run(words);
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining('not_found')]);
    }
  });
});

describe('grants', () => {
  it('live from creation to revocation', async () => {
    const created = await json<GrantView>(['grant', 'create', '-f', '-'], GRANT);
    expect(created).toMatchObject({ name: 'weekly', state: 'active', version: 1 });
    const changed = await json<GrantView>(
      ['grant', 'change', '-f', '-'],
      `${GRANT}limits: { open_runs: 1 }\n`,
    );
    expect(changed.version).toBe(2);
    const stale = await run(['grant', 'change', 'weekly', '-f', '-', '--if-version', '1'], { stdin: GRANT });
    expect([stale.exitCode, stale.stderr]).toEqual([1, expect.stringContaining('precondition_failed')]);
    expect((await json<{ items: unknown[] }>(['grant', 'versions', 'weekly'])).items).toHaveLength(2);
    expect((await json<GrantView>(['grant', 'suspend', 'weekly', '--reason', 'test'])).state).toBe(
      'suspended',
    );
    expect((await json<GrantView>(['grant', 'resume', 'weekly'])).state).toBe('active');
    expect((await json<GrantView>(['grant', 'revoke', 'weekly'])).state).toBe('revoked');
    expect((await run(['grant', 'resume', 'weekly'])).stderr).toContain('state_transition_refused');
    const listed = await json<{ items: GrantView[] }>(['grant', 'list', '--all']);
    expect(listed.items.map(({ name }) => name).sort()).toEqual(['nightly-orders', 'weekly']);
    expect((await run(['grant', 'get', 'nightly-orders'])).stdout).toContain(`sub: ${WORKER_SUBJECT}`);
  });

  it('explain themselves for a token', async () => {
    const file = join(folder, 'token');
    writeFileSync(file, await world.workerToken({ sub: 'jobs/other' }));
    const explained = await json<{ decision: object }>([
      'grant',
      'explain',
      '--workload-token-file',
      file,
      '--run-id',
      'r',
      '--step-id',
      's',
    ]);
    expect(explained.decision).toMatchObject({ accepted: false, code: 'grant_not_found' });
  });
});

describe('operation', () => {
  it('lists, shows and ends what workers hold', async () => {
    const token = await world.runToken({ runId: 'run-operation' });
    const issued = await world.call('POST', '/v1/leases', { token, body: { credential: 'orders-readonly' } });
    const { lease } = issued.body as { lease: { id: string; run_ref: string } };
    const listed = await json<{ items: { id: string }[] }>([
      'leases',
      'list',
      '--run',
      'run-operation',
      '--state',
      'active',
    ]);
    expect(listed.items.map(({ id }) => id)).toEqual([lease.id]);
    expect(await json(['leases', 'revoke', lease.id, '--reason', 'test'])).toMatchObject({
      state: 'revoked',
    });
    expect(await json(['run', 'close', lease.run_ref, '--reason', 'test'])).toMatchObject({
      run: { state: 'closed' },
    });
    const table = (await run(['run', 'list', '--state', 'closed'])).stdout
      .split('\n')
      .map((line) => line.split('\t'));
    expect(table[0]?.slice(0, 2)).toEqual(['RUN', 'STATE']);
    expect(table[1]?.slice(0, 2)).toEqual(['run-operation', 'closed']);
  });

  it('takes a credential out and in again', async () => {
    expect(await json(['credential', 'disable', 'payments-api'])).toMatchObject({ enabled: false });
    expect(
      (await json<{ items: unknown[] }>(['credential', 'list', '--enabled', 'false'])).items,
    ).toHaveLength(1);
    expect(await json(['credential', 'enable', 'payments-api'])).toMatchObject({ enabled: true });
    const current = await json<{ version: number }>(['credential', 'get', 'orders-readonly']);
    const spec = world.credentials.find(({ name }) => name === 'orders-readonly');
    const changed = await json<{ version: number }>(
      ['credential', 'change', '-f', '-'],
      JSON.stringify({ ...spec, description: 'changed' }),
    );
    expect(changed.version).toBe(current.version + 1);
  });

  it('holds revocations', async () => {
    const held = { held: true, reason: 'test' };
    expect(await json(['hold', 'set', '--reason', 'test'])).toMatchObject(held);
    expect(await json(['hold', 'status'])).toMatchObject(held);
    expect((await run(['hold', 'release'])).exitCode).toBe(2);
    expect(await json(['hold', 'release', '--reason', 'looked'])).toMatchObject({ held: false });
  });

  it('compares the books', async () => {
    const report = await json<{ id: string; state: string }>(['reconcile', '--dry-run']);
    expect(report).toMatchObject({ state: 'done', dry_run: true, acted: 0, findings: [] });
    expect((await run(['reconciliation', 'list'])).stdout).toContain(report.id);
    expect((await run(['reconciliation', 'get', report.id])).stdout).toContain('looked at');
    expect((await run(['reconciliation', 'abort', report.id])).exitCode).toBe(1);
  });
});

describe('audit', () => {
  it('exports what verifies, and finds what was changed', async () => {
    const file = join(folder, 'audit.jsonl');
    const { size, root_hash: hash } = await json<{ size: number; root_hash: string }>(['audit', 'head']);
    expect((await run(['audit', 'export', '--output', file])).exitCode).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const verified = await run(['audit', 'verify', file, '--head', `${size}:${hash}`, '--json']);
    expect(verified.exitCode).toBe(0);
    expect(JSON.parse(verified.stdout)).toMatchObject({ ok: true, problems: [] });
    const again = await run(['audit', 'export', '--output', file]);
    expect([again.exitCode, again.stderr]).toEqual([2, expect.stringContaining('exists already')]);
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace('"alice"', '"mallory"').replace('\\"alice\\"', '\\"mallory\\"'),
    );
    const changed = await run(['audit', 'verify', file]);
    expect(changed.exitCode).toBe(1);
    expect(changed.stderr).toMatch(/line \d+ \(record \d+\): the leaf was changed/);
  });

  it('verifies without a broker, a login or a network', async () => {
    const { stdout } = await run(['audit', 'export']);
    const offline = await start(
      cli,
      ['audit', 'verify', '-', '--url', 'http://127.0.0.1:9'],
      {},
      stdout,
    ).ended();
    expect(offline.exitCode).toBe(0);
  });

  it('lists by filter', async () => {
    await until(async () =>
      (await run(['audit', 'list', '--kind', 'revocation.held'])).stdout.includes('revocation.held'),
    );
    const page = await json<{ items: { event: { kind: string } }[] }>([
      'audit',
      'list',
      '--kind',
      'grant.created',
      '--kind',
      'grant.revoked',
      '--all',
    ]);
    expect(new Set(page.items.map(({ event }) => event.kind))).toEqual(
      new Set(['grant.created', 'grant.revoked']),
    );
  });

  it('prints records as they come, each once', async () => {
    const environment = {
      LEASEGATE_URL: world.baseUrl,
      LEASEGATE_TOKEN: await world.adminToken(['auditor']),
    };
    const tail = start(
      cli,
      ['audit', 'tail', '--kind', 'revocation.held', '--from-index', '0', '--json'],
      environment,
    );
    const lines = (): string[] => tail.stdout.trim().split('\n').filter(Boolean);
    await until(() => lines().length > 0);
    const before = lines().length;
    await run(['hold', 'set']);
    await run(['hold', 'release', '--reason', 'looked']);
    await until(() => lines().length === before + 1);
    tail.child.kill();
    await tail.ended();
    const indexes = lines().map((line) => (JSON.parse(line) as { index: number }).index);
    expect(new Set(indexes).size).toBe(indexes.length);
  });
});
