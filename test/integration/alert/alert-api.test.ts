import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { main } from '../../../src/cli/leasegate.js';
import { until } from '../../support/until.js';
import { startWorld, type World } from '../../support/world.js';
import { startReceiver, type Receiver } from './receiver.js';

const RULE = {
  name: 'refused-exchange',
  summary: 'An exchange was refused.',
  severity: 'warning',
  when: { kinds: ['exchange.refused'] },
  group_by: ['code'],
  group_wait_seconds: 0,
};

let world: World;
let receiver: Receiver;
let folder: string;

beforeAll(async () => {
  receiver = await startReceiver();
  folder = await mkdtemp(join(tmpdir(), 'leasegate-rules-'));
  await writeFile(join(folder, 'rule.yaml'), stringify(RULE));
  world = await startWorld({
    settings: {
      alerts: {
        rulesFolder: folder,
        followMs: 100,
        channels: [
          {
            kind: 'webhook',
            name: 'ops',
            url: receiver.url,
            secret: `whsec_${Buffer.alloc(32).toString('base64')}`,
            internal: true,
          },
        ],
      },
    },
  });
});

afterAll(async () => {
  await world.stop();
  await receiver.stop();
  await rm(folder, { recursive: true });
});

/** Runs a command line in this process. */
async function cli(
  words: readonly string[],
  stdin = '',
): Promise<{ exitCode: number; json: unknown; stderr: string }> {
  const written = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof written): never =>
    ({ write: (text: string) => ((written[name] += text), true) }) as never;
  const exitCode = await main([...words, '--json'], {
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    stdin: Readable.from([Buffer.from(stdin)]) as never,
    environment: {
      LEASEGATE_URL: world.baseUrl,
      LEASEGATE_TOKEN: await world.adminToken(['operator', 'auditor']),
    },
  });
  return {
    exitCode,
    json: written.stdout === '' ? undefined : JSON.parse(written.stdout),
    stderr: written.stderr,
  };
}

describe('what is refused', () => {
  it.each([
    ['GET', '/v1/alerts', ['approver'], 403, 'role_required'],
    ['POST', '/v1/alerts/test', ['auditor'], 403, 'role_required'],
    ['POST', '/v1/alerts/silences', ['auditor'], 403, 'role_required'],
    ['GET', '/v1/alerts/nothing', ['auditor'], 404, 'not_found'],
    ['GET', '/v1/alerts?cursor=x', ['auditor'], 422, 'request_invalid'],
    ['POST', '/v1/alerts/silences/nothing/end', ['operator'], 404, 'not_found'],
  ])('%s %s as %s', async (method, path, roles, status, code) => {
    const token = await world.adminToken(roles);
    expect(await world.call(method, path, { token, ...(method === 'POST' && { body: {} }) })).toMatchObject({
      status,
      body: { code },
    });
  });

  it.each([
    [{}, 'x', 60],
    [{ rule: 'r' }, '', 60],
    [{ rule: 'r' }, 'x', 0],
    [{ rule: 'r' }, 'x', 2_592_001],
    [{ 'labels[0]': 'r' }, 'x', 60],
  ])('a silence with %j, %j, %j', async (matchers, comment, duration) => {
    const token = await world.adminToken(['operator']);
    const body = { matchers, comment, duration_seconds: duration };
    expect(await world.call('POST', '/v1/alerts/silences', { token, body })).toMatchObject({
      status: 422,
      body: { code: 'request_invalid' },
    });
  });
});

it('an alert is raised, told, shown and silenced', async () => {
  const silenced = await cli([
    'alert',
    'silence',
    '--match',
    'rule=other',
    '--for',
    '1h',
    '--comment',
    'not this one',
  ]);
  expect(silenced).toMatchObject({
    exitCode: 0,
    json: { matchers: { rule: 'other' }, comment: 'not this one' },
  });
  await expect(world.runToken({ subjectToken: 'not.a.token' })).rejects.toThrow();
  const told = await until(() => receiver.received[0], { what: 'the alert' });
  expect(JSON.parse(told.body)).toMatchObject({
    type: 'alert.firing',
    rule: RULE.name,
    broker: world.baseUrl,
  });
  const { json } = await until(async () => {
    const listed = await cli(['alert', 'list', '--state', 'firing']);
    return (listed.json as { items: { notifications: number }[] }).items[0]?.notifications === 1
      ? listed
      : undefined;
  });
  const [{ id } = { id: '' }] = (json as { items: { id: string }[] }).items;
  const shown = await until(async () => {
    const got = await cli(['alert', 'get', id]);
    const { notifications } = got.json as { notifications: { state: string }[] };
    return notifications[0]?.state === 'delivered' ? got : undefined;
  });
  expect(shown.json).toMatchObject({
    alert: { rule: RULE.name, events: 1, samples: [{ kind: 'exchange.refused' }] },
    notifications: [{ channel: 'ops', attempts: 1, last_error: null }],
  });
  expect(await cli(['alert', 'rules'])).toMatchObject({
    json: { items: [{ name: RULE.name, channels: ['ops'] }] },
  });
  expect(await cli(['alert', 'silences', '--active', 'true'])).toMatchObject({
    json: { items: [{ ended_at: null }] },
  });
  const { id: silence } = silenced.json as { id: string };
  expect(await cli(['alert', 'unsilence', silence])).toMatchObject({ exitCode: 0, json: { id: silence } });
  expect(await cli(['alert', 'unsilence', silence])).toMatchObject({ exitCode: 1 });
});

it('a test says which channel did not take it, by exit code too', async () => {
  expect(await cli(['alert', 'test'])).toMatchObject({ exitCode: 0, json: { ok: true } });
  receiver.answer(500);
  expect(await cli(['alert', 'test', '--channel', 'ops'])).toMatchObject({
    exitCode: 1,
    json: { ok: false, notifications: [{ state: 'abandoned', last_error: 'the receiver answered 500' }] },
  });
  expect(await cli(['alert', 'test', '--channel', 'log'])).toMatchObject({ exitCode: 0 });
  expect(world.log).toContain('"notification":"alert.test"');
});

it('a log that has grown is imported as batches of which the old ones count once', async () => {
  const words = ['shadow', 'import', '-', '--format', 'squid'];
  const line =
    '1767344400.123 310 10.0.1.7 TCP_TUNNEL/200 39 CONNECT x.example:443 - HIER_DIRECT/203.0.113.9 -\n';
  const log = line.repeat(100_000);
  expect(await cli(words, log)).toMatchObject({
    json: { batches: 2, repeated: 0, lines: 100_000, managed: 0 },
  });
  expect(await cli(words, log + line)).toMatchObject({ json: { batches: 2, repeated: 1, lines: 100_001 } });
  expect((await cli(['shadow', 'import', '-', '--format', 'pcap'])).exitCode).toBe(2);
  expect((await cli(['egress', 'generate', '--for', 'nftables'])).json).toMatchObject({ for: 'nftables' });
});
