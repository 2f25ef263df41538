import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { main } from '../../../src/cli/leasegate.js';
import { until } from '../../support/until.js';
import { startWorld, type World } from '../../support/world.js';

let world: World;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'leasegate-sink-api-'));
  world = await startWorld({
    settings: {
      sinks: {
        pollMs: 100,
        receivers: [
          { kind: 'file', name: 'disk', path: join(folder, 'audit.jsonl'), begin: 'first' },
          { kind: 'syslog', name: 'nobody', host: '127.0.0.1', port: 1, begin: 'first' },
        ],
      },
    },
  });
});

afterAll(async () => {
  await world.stop();
  await rm(folder, { recursive: true });
});

async function cli(...words: readonly string[]): Promise<{ exitCode: number; stdout: string }> {
  let stdout = '';
  const exitCode = await main(words, {
    stdout: { write: (text: string) => ((stdout += text), true) } as never,
    stderr: { write: () => true } as never,
    stdin: Readable.from([]) as never,
    environment: {
      LEASEGATE_URL: world.baseUrl,
      LEASEGATE_TOKEN: await world.adminToken(['operator', 'auditor']),
    },
  });
  return { exitCode, stdout };
}

describe('what is refused', () => {
  it.each([
    ['GET', '/v1/sinks', ['approver'], 403, 'role_required'],
    ['POST', '/v1/sinks/disk/retry', ['auditor'], 403, 'role_required'],
    ['POST', '/v1/sinks/nothing/retry', ['operator'], 404, 'not_found'],
    ['GET', '/v1/sinks/nothing/dead-letters', ['auditor'], 404, 'not_found'],
    ['GET', '/v1/sinks/disk/dead-letters?cursor=x', ['auditor'], 422, 'request_invalid'],
    ['GET', '/v1/sinks/disk/dead-letters?state=x', ['auditor'], 422, 'request_invalid'],
  ])('%s %s as %s', async (method, path, roles, status, code) => {
    await until(async () => (await cli('sink', 'list', '--json')).stdout.includes('"disk"'), {
      deadlineMs: 30_000,
    });
    const token = await world.adminToken(roles);
    expect(await world.call(method, path, { token, ...(method === 'POST' && { body: {} }) })).toMatchObject({
      status,
      body: { code },
    });
  });
});

it('the jobs of a broker follow the log; a sink that nobody answers for keeps the other one from nothing', async () => {
  await until(
    async () =>
      (await readFile(join(folder, 'audit.jsonl'), 'utf8').catch(() => '')).includes('"sink.created"'),
    { deadlineMs: 30_000 },
  );
  await until(async () => (await cli('sink', 'list')).stdout.includes('cannot be reached'), {
    deadlineMs: 30_000,
  });
  const metrics = await (await fetch(`${world.baseUrl}/metrics`)).text();
  expect(metrics).toMatch(/leasegate_sink_lag_events\{sink="nobody"\} [1-9]/);
  expect((await cli('sink', 'retry', 'nobody')).exitCode).toBe(0);
  expect((await cli('sink', 'dead-letters', 'disk')).exitCode).toBe(0);
  await until(
    async () => (await readFile(join(folder, 'audit.jsonl'), 'utf8')).includes('"kind":"sink.retried"'),
    { deadlineMs: 30_000 },
  );
});
