import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { brokerSettings } from '../../../src/dev/broker-settings.js';
import { leasegateProgram, writeSettings } from '../../../src/dev/dev-broker.js';
import { buildOnce } from '../../support/build-once.js';
import { issuerParts, leastRights } from '../../support/parts.js';
import { startWorld, type World } from '../../support/world.js';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

let world: World;
let settings: string;
const folder = mkdtempSync(join(tmpdir(), 'leasegate-server-'));

beforeAll(async () => {
  await buildOnce();
  world = await startWorld({ seed: false });
  settings = await writeSettings(
    folder,
    brokerSettings({
      databaseUrl: await leastRights(world.databaseUrl),
      vaultAddress: world.vault.address,
      names: world.names,
      login: world.login,
      issuerUrl: issuerParts().url,
      port: 0,
    }),
  );
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await world.stop();
});

async function run(words: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const { PATH = '' } = process.env;
  const child = spawn(process.execPath, [leasegateProgram(), ...words], {
    env: { PATH, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { exitCode, stdout, stderr };
}

describe('refused', () => {
  it('settings that are wrong, by name and never by value', async () => {
    const file = join(folder, 'wrong.yaml');
    writeFileSync(file, 'database: { url: marker-7 }\nunknown: marker-7\n');
    for (const words of [['serve'], ['migrate'], ['doctor']]) {
      const { exitCode, stdout, stderr } = await run([...words, '--config', file, '--json']);
      expect([words, exitCode]).toEqual([words, words[0] === 'doctor' ? 1 : 2]);
      expect(stdout + stderr).toContain('unknown');
      expect(stdout + stderr).not.toContain('marker-7');
      expect(() => JSON.parse(stdout) as unknown).not.toThrow();
    }
  });

  it('a database that does not answer, with 3', async () => {
    const environment = { DATABASE_URL: 'postgres://nobody:marker-7@127.0.0.1:9/none' };
    for (const words of [['serve'], ['migrate'], ['doctor']]) {
      const { exitCode, stdout, stderr } = await run([...words, '--config', settings], environment);
      expect([words, exitCode]).toEqual([words, 3]);
      expect(stdout + stderr).toMatch(/database/);
      expect(stdout + stderr).not.toContain('marker-7');
    }
  });

  it('vault plan without an operator token', async () => {
    const { exitCode, stderr } = await run(['vault', 'plan', '--config', settings]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('VAULT_TOKEN');
  });
});

it('finds nothing wrong where nothing is', async () => {
  const { exitCode, stdout, stderr } = await run(['doctor', '--config', settings, '--json']);
  const report = JSON.parse(stdout) as { ok: boolean; checks: { name: string; ok: boolean }[] };
  expect(report.checks.filter(({ ok }) => !ok)).toEqual([]);
  expect([exitCode, report.ok, stderr]).toEqual([0, true, '']);
});

it('has nothing to migrate twice', async () => {
  const { exitCode, stdout } = await run(['migrate', '--config', settings, '--json']);
  expect([exitCode, JSON.parse(stdout)]).toEqual([0, { applied: [] }]);
});

it('prints every setting', async () => {
  expect((await run(['settings', '--markdown'])).stdout).toContain('`DATABASE_URL`');
  const { stdout } = await run(['settings', '--json']);
  expect(JSON.stringify(JSON.parse(stdout))).toContain('hmacKey');
});
