import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { leasegateProgram } from '../../../src/dev/dev-broker.js';
import { until } from '../../support/until.js';
import { startWorld, type World } from '../../support/world.js';
import { followPages } from './shell-page.js';
import { snippetsOf } from './snippets.js';

const PAGE = 'docs/audit/verify.md';
let world: World;
let home: string;

beforeAll(async () => {
  world = await startWorld({ mode: 'process' });
  home = await mkdtemp(join(tmpdir(), 'leasegate-verify-'));
  const program = join(home, 'bin', 'leasegate');
  await mkdir(join(home, 'bin'));
  await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${leasegateProgram()}' "$@"\n`);
  await chmod(program, 0o755);
  const token = await world.runToken();
  const body = { credential: 'orders-readonly', ttl_seconds: 60 };
  expect((await world.call('POST', '/v1/leases', { token, body })).status).toBe(201);
  await until(async () => (await world.query('SELECT 1 FROM audit_checkpoint WHERE size > 8')).length > 0, {
    deadlineMs: 60_000,
  });
}, 240_000);
afterAll(async () => {
  await world.stop();
  await rm(home, { recursive: true });
});

it('takes a newcomer to a verified answer in five commands', { timeout: 240_000 }, async () => {
  expect(
    snippetsOf(PAGE)
      .filter(({ kind }) => kind === 'sh')
      .map(({ text }) => text.split('\n').length),
  ).toEqual([1, 1, 1, 1, 1]);
  const PATH = [join(home, 'bin'), process.env['PATH']].join(delimiter);
  const LEASEGATE_TOKEN = await world.adminToken(['auditor']);
  // The page is followed where its files may lie.
  const environment = { HOME: home, PATH, LEASEGATE_TOKEN, LEASEGATE_URL: world.baseUrl };
  expect(await followPages([PAGE], environment, home)).toBe(5);
});
