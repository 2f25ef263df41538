import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { brokerSettings, type BrokerSettings } from '../../../src/dev/broker-settings.js';
import { writeSettings } from '../../../src/dev/dev-broker.js';
import { runSql } from '../../../src/dev/sql.js';
import { doctor, migrate } from '../../../src/main.js';
import { settingsFrom } from '../../../src/settings/load.js';
import { bootstrapVault } from '../../../src/vault-bootstrap.js';
import { merged } from '../../support/merged.js';
import { issuerParts, leastRights } from '../../support/parts.js';
import { startWorld, type World } from '../../support/world.js';

let world: World;
let folder: string;
let settings: BrokerSettings;
beforeAll(async () => {
  world = await startWorld({ mode: 'process' });
  folder = mkdtempSync(join(tmpdir(), 'leasegate-commands-'));
  settings = brokerSettings({
    databaseUrl: await leastRights(world.databaseUrl),
    vaultAddress: world.vault.address,
    names: world.names,
    login: world.login,
    issuerUrl: issuerParts().url,
    port: 0,
  });
});
afterAll(async () => {
  await world.stop();
  rmSync(folder, { recursive: true });
});

async function examined(changes: object): Promise<Awaited<ReturnType<typeof doctor>>> {
  return doctor({ config: await writeSettings(folder, merged(settings, changes)) });
}

describe('the doctor', () => {
  it.each([
    ['settings', { server: { prot: 1 } }, 'setting server.prot'],
    ['a database', { database: { url: 'postgres://nobody@127.0.0.1:1/x' } }, 'database'],
    ['Vault', { vault: { address: 'http://127.0.0.1:1' } }, 'vault'],
    ['a login', { vault: { login: { roleId: 'x', secretId: 'marker-secret' } } }, 'vault'],
    ['a token role', { vault: { leaseTokenRole: 'no-such-role' } }, 'vault token role'],
  ])('finds %s that is wrong, and says what to do', async (_, changes, name) => {
    const { ok, checks } = await examined(changes);
    expect(ok).toBe(false);
    const found = checks.find((check) => check.name === name);
    expect(found, JSON.stringify(checks)).toMatchObject({ ok: false, advice: expect.any(String) as string });
    expect(JSON.stringify(checks)).not.toContain('marker-secret');
  });

  it('finds a healthy broker healthy', async () => {
    const { ok, checks } = await examined({});
    expect(checks.filter((check) => !check.ok)).toEqual([]);
    expect(ok).toBe(true);
    const names = checks.map(({ name }) => name);
    for (const name of [
      'settings',
      'database',
      'clock of the database',
      'migrations',
      'vault',
      'clock of Vault',
      'issuer dev',
    ])
      expect(names).toContain(name);
  });
});

describe('migrate', () => {
  it('runs what has not run, once, also when two do it at the same time', async () => {
    const url = new URL(world.databaseUrl);
    const name = `${url.pathname.slice(1)}_empty`;
    url.pathname = '/postgres';
    await runSql(url.href, `CREATE DATABASE ${name}`);
    const empty = new URL(world.databaseUrl);
    empty.pathname = `/${name}`;
    try {
      const config = await writeSettings(folder, merged(settings, { database: { url: empty.href } }));
      const runs = await Promise.all([migrate({ config }), migrate({ config })]);
      expect(runs.map((names) => names.length).sort()[0]).toBe(0);
      expect(runs.flat()).toContain('First1700000000000');
      expect(await migrate({ config })).toEqual([]);
    } finally {
      await runSql(url.href, `DROP DATABASE ${name} WITH (FORCE)`);
    }
  });

  it('names a database that cannot be reached, without its URL', async () => {
    const config = await writeSettings(
      folder,
      merged(settings, { database: { url: 'postgres://u:marker@127.0.0.1:1/x' } }),
    );
    await expect(migrate({ config })).rejects.toMatchObject({ code: 'database_unavailable' });
    await expect(migrate({ config })).rejects.not.toThrow('marker');
  });
});

describe('the plan for Vault', () => {
  it('needs an operator’s token', async () => {
    await expect(bootstrapVault(settingsFrom(settings), { apply: false })).rejects.toMatchObject({
      code: 'authentication_required',
    });
  });

  it('reads the catalogue of the database when no files are named', async () => {
    process.env['VAULT_TOKEN'] = world.vault.token;
    try {
      const changes = await bootstrapVault(settingsFrom(settings), { apply: false });
      const policies = changes
        .filter(({ kind, action }) => kind === 'policy' && action === 'none')
        .map(({ name }) => name);
      for (const { name } of world.credentials)
        expect(policies).toContain(`${world.names.policyPrefix}${name}`);
    } finally {
      delete process.env['VAULT_TOKEN'];
    }
  });
});

describe('serve', () => {
  it('says where it listens, logs JSON lines, stays small, and stops with 0', async () => {
    await world.runToken({ runId: 'served' });
    const { broker } = world;
    const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${broker.pid}/status`, 'utf8'))?.[1]);
    expect(kilobytes).toBeLessThan(200 * 1024);
    await world.stopBroker('SIGTERM');
    const lines = world.log
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.find((line) => 'listening' in line)).toMatchObject({ listening: world.baseUrl });
    expect(lines.some(({ route, run_ref: run }) => route === '/oauth2/token' && run !== undefined)).toBe(
      true,
    );
    expect(await broker.exited).toBe(0);
  });
});
