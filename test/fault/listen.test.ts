import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { leasegateProgram, writeSettings } from '../../src/dev/dev-broker.js';
import type { FaultWorld } from '../../src/dev/fault/fault-world.js';
import { startFaultWorld } from './start-fault-world.js';

let world: FaultWorld;

beforeAll(async () => {
  world = await startFaultWorld(1, 4);
}, 240_000);
afterAll(() => world.stop());

it('a broker that cannot listen on its port ends, with all of its work', async () => {
  const { parts, fleet } = world;
  const folder = await parts.reaper.directory('listen');
  const settings = parts.settingsOf({
    port: Number(new URL(fleet.replicas[0]?.url ?? '').port),
    databaseUrl: parts.databaseUrl,
    vaultAddress: parts.vault.address,
  });
  const child = spawn(
    process.execPath,
    [leasegateProgram(), 'serve', '--config', await writeSettings(folder, settings)],
    {
      env: { PATH: process.env['PATH'] ?? '' },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  parts.reaper.owns(child.pid ?? 0);
  let problems = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (problems += text));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  expect(problems).toMatch(/EADDRINUSE/);
  expect(code).toBeGreaterThan(0);
  await rm(folder, { recursive: true, force: true });
}, 240_000);
