import { createHmac } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AccessorHasher } from '../../../src/gateway/shadow/accessor-hasher.js';
import { CredentialPaths } from '../../../src/gateway/shadow/credential-paths.js';
import { KnownAccessors } from '../../../src/gateway/shadow/known-accessors.js';
import { ProviderUsageWatch } from '../../../src/gateway/shadow/provider-usage-watch.js';
import { LeaseUses } from '../../../src/gateway/shadow/uses/lease-uses.js';
import { TokenLeases } from '../../../src/gateway/shadow/uses/token-leases.js';
import { VaultImport } from '../../../src/gateway/shadow/vault-import.js';
import { VaultLog } from '../../../src/gateway/shadow/vault-log.js';
import { shippedRulesFolder } from '../../../src/alert/rule-files.js';
import { AuditInbox } from '../../../src/audit/audit-inbox.js';
import { CredentialCatalogue } from '../../../src/credential/credential-catalogue.js';
import { Transactions } from '../../../src/database/transaction.js';
import { SystemClock } from '../../../src/kernel/clock.js';
import { Settings } from '../../../src/settings/schema.js';
import type { ApiAnswer } from '../../support/api-call.js';
import { until } from '../../support/until.js';
import { startWorld, type World } from '../../support/world.js';
import { CALLER } from '../audit/log-parts.js';
import { startReceiver, type Receiver } from '../alert/receiver.js';

const SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
const HOST = 'api.example.com';

let world: World;
let receiver: Receiver;
let rulesFolder: string;

beforeAll(async () => {
  receiver = await startReceiver();
  rulesFolder = await hastyRules();
  world = await startWorld({
    settings: {
      gateway: { egressIdentities: { addresses: ['10.0.0.0/24'], serviceAccounts: ['leasegate/broker'] } },
      alerts: {
        rulesFolder,
        followMs: 100,
        channels: [{ kind: 'webhook', name: 'ops', url: receiver.url, secret: SECRET, internal: true }],
      },
    },
  });
  const tool = { name: 'orders', method: 'GET', url: `https://${HOST}/v1/orders` };
  const created = await world.call('POST', '/v1/tools', { token: await world.adminToken(), body: tool });
  expect([created.status, created.body]).toMatchObject([201, { name: 'orders' }]);
});

afterAll(async () => {
  await world.stop();
  await receiver.stop();
  await rm(rulesFolder, { recursive: true });
});

async function send(
  path: string,
  lines: readonly unknown[],
  roles = ['operator'],
  type = 'text/x-log',
): Promise<ApiAnswer> {
  const body = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');
  const response = await fetch(new URL(path, world.baseUrl), {
    method: 'POST',
    headers: { 'content-type': type, authorization: `Bearer ${await world.adminToken(roles)}` },
    body,
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

async function eventsOf(kind: string): Promise<Record<string, unknown>[]> {
  const query = `/v1/audit/events?kind=${kind}&order=oldest`;
  const { body } = await world.call('GET', query, { token: await world.adminToken(['auditor']) });
  return (body as { items: { event: Record<string, unknown> }[] }).items.map(({ event }) => event);
}

/** Waits until there are that many events of a kind. */
function someEvents(kind: string, count: number): Promise<Record<string, unknown>[]> {
  return until(async () => {
    const found = await eventsOf(kind);
    return found.length === count ? found : undefined;
  });
}

/** The rules that come with the program, which wait for nothing. */
async function hastyRules(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'leasegate-rules-'));
  const shipped = shippedRulesFolder();
  for (const file of await readdir(shipped)) {
    const rule = await readFile(join(shipped, file), 'utf8');
    await writeFile(join(folder, file), rule.replace(/^group_wait_seconds: .*$/m, 'group_wait_seconds: 0'));
  }
  return folder;
}

const ago = (seconds: number): string => new Date(Date.now() - seconds * 1_000).toISOString();
const EGRESS = '/v1/shadow/egress?format=jsonl';

it.each([
  ['no token', undefined],
  ['the token of a platform', 'platform'],
])('a call with %s is refused, and somebody is told', async (_, kind) => {
  const token = kind === undefined ? undefined : await world.workerToken();
  const answer = await world.call('POST', '/v1/tools/orders/call', {
    body: { arguments: {} },
    ...(token === undefined ? {} : { token }),
  });
  expect(answer.body).toMatchObject({ code: 'run_identity_missing' });
  await until(() => receiver.received.some(({ body }) => body.includes('"rule":"call-without-run"')), {
    what: 'the alert',
  });
});

describe('egress logs', () => {
  it('are refused from others than operators, in other types and formats', async () => {
    expect((await send(EGRESS, [], ['auditor'])).body).toMatchObject({ code: 'role_required' });
    expect((await send('/v1/shadow/egress?format=pcap', [])).body).toMatchObject({ code: 'request_invalid' });
    expect((await send(EGRESS, ['{}'], ['operator'], 'application/json')).body).toMatchObject({
      code: 'media_type_unsupported',
    });
    expect((await send('/v1/grants', ['x'], ['admin'])).body).toMatchObject({
      code: 'media_type_unsupported',
    });
  });

  it('name what was called beside us once, however often they are sent, and somebody is told', async () => {
    const lines = [
      {
        time: ago(60),
        host: HOST,
        source: '10.0.1.7',
        service_account: 'jobs/nightly',
        pod: 'jobs/nightly-1',
      },
      {
        time: ago(50),
        host: `${HOST.toUpperCase()}.:443`,
        source: '10.0.1.7',
        service_account: 'jobs/nightly',
        pod: 'jobs/nightly-1',
      },
      { time: ago(40), host: HOST, source: '10.0.0.5' },
      { time: ago(40), host: HOST, service_account: 'leasegate/broker', source: '10.0.1.9' },
      { time: ago(30), host: 'unmanaged.example.com', source: '10.0.1.7' },
      { time: ago(86_400 * 500), host: HOST, source: '10.0.1.7' },
      'no record',
    ];
    const first = await send(EGRESS, lines);
    expect(first).toMatchObject({
      status: 200,
      body: {
        repeated: false,
        lines: 7,
        unreadable: 2,
        managed: 4,
        ours: 2,
        undecided: 0,
        shadow: 2,
        events: 1,
      },
    });
    const [again, beside] = await Promise.all([send(EGRESS, lines), send(EGRESS, lines)]);
    expect([again.body, beside.body]).toMatchObject([
      { repeated: true, shadow: 2, events: 1 },
      { repeated: true, shadow: 2, events: 1 },
    ]);
    const told = await until(
      () => receiver.received.find(({ body }) => body.includes('"rule":"shadow-egress"')),
      { what: 'the alert' },
    );
    expect(JSON.parse(told.body)).toMatchObject({
      type: 'alert.firing',
      rule: 'shadow-egress',
      severity: 'critical',
      labels: {
        'data.host': HOST,
        'data.workload': 'system:serviceaccount:jobs:nightly',
        'data.source': '10.0.1.7',
      },
    });
    expect(await eventsOf('shadow.egress')).toMatchObject([
      {
        outcome: 'failure',
        tool: { name: 'orders' },
        data: { host: HOST, count: 2, pod: 'jobs/nightly-1', tools: ['orders'] },
      },
    ]);
    expect(await eventsOf('shadow.imported')).toHaveLength(1);
    const list = await world.call('GET', `/v1/shadow/egress?host=${HOST}`, {
      token: await world.adminToken(['auditor']),
    });
    expect(list.body).toMatchObject({
      items: [{ host: HOST, count: 2, pod: 'jobs/nightly-1' }],
      next_cursor: null,
    });
    // It is written down as told once the receiver has answered.
    const alerts = await until(async () => {
      const { body } = await world.call('GET', '/v1/alerts?state=firing&rule=shadow-egress', {
        token: await world.adminToken(['auditor']),
      });
      const { items } = body as { items: { rule: string; notifications: number }[] };
      return items.some(({ notifications }) => notifications > 0) ? items : undefined;
    });
    expect(alerts).toMatchObject([{ rule: 'shadow-egress', notifications: 1 }]);
  });

  it('that are two batches of one that is sent at the same moment are counted once', async () => {
    const lines = [{ time: ago(10), host: HOST, source: '10.0.7.7' }];
    const answers = await Promise.all(Array.from({ length: 4 }, () => send(EGRESS, lines)));
    expect(answers.map(({ body }) => (body as { repeated: boolean }).repeated).sort()).toEqual([
      false,
      true,
      true,
      true,
    ]);
    const [row] = await world.query<{ count: string }>(
      `SELECT count FROM shadow_egress WHERE source = '10.0.7.7'`,
    );
    expect(row?.count).toBe('1');
  });
});

describe("Vault's audit log", () => {
  /** As a Vault would hash, under a salt of the test. */
  class TestHasher extends AccessorHasher {
    override hash(accessor: string): Promise<string> {
      return Promise.resolve(`hmac-sha256:${createHmac('sha256', 'salt').update(accessor).digest('hex')}`);
    }
  }

  async function* stream(lines: readonly unknown[]): AsyncGenerator<Buffer> {
    yield Buffer.from(lines.map((line) => JSON.stringify(line)).join('\n'));
  }

  const read = (path: string, accessor: string | undefined, more: object = {}): object => ({
    time: new Date().toISOString(),
    type: 'response',
    auth: { accessor, display_name: 'token' },
    request: { id: 'c0ffee', operation: 'read', path, remote_address: '10.0.1.7' },
    ...more,
  });

  it('tells reads of ours from those of others, plain and hashed', async () => {
    const token = await world.runToken();
    const leased = await world.call('POST', '/v1/leases', { token, body: { credential: 'orders-readonly' } });
    expect(leased.status).toBe(201);
    const [lease] = await world.query<{ accessor: string }>('SELECT accessor FROM leases');
    const accessor = lease?.accessor ?? '';
    const hashed = await new TestHasher().hash(accessor);
    const database = world.credentials.find(({ name }) => name === 'orders-readonly');
    const kv = world.credentials.find(({ name }) => name === 'payments-api');
    const creds = `${database?.mount}/creds/${database?.path}`;
    const data = `${kv?.mount}/data/${kv?.path}`;
    const lines = [
      read(creds, accessor),
      read(creds, hashed),
      read(creds, 'somebody-else'),
      read(creds, 'hmac-sha256:0000'),
      read(data, undefined),
      read(data, 'hmac-sha256:0000', { error: 'permission denied' }),
      read('sys/health', 'x'),
      read(creds, 'long-ago', { time: ago(86_400 * 100) }),
    ];
    const { nest } = world.app;
    const transactions = nest.get(Transactions);
    const hasher = new TestHasher();
    const settings = nest.get(Settings);
    const audit = nest.get(AuditInbox);
    const clock = new SystemClock();
    const log = new VaultLog(
      settings,
      new CredentialPaths(nest.get(CredentialCatalogue, { strict: false })),
      new KnownAccessors(transactions, hasher),
      new TokenLeases(transactions, hasher),
      new LeaseUses(transactions),
      audit,
      clock,
    );
    const importer = new VaultImport(settings, log, audit, transactions, clock);
    expect(await importer.take(CALLER, stream(lines))).toMatchObject({
      lines: 8,
      unreadable: 0,
      managed: 6,
      ours: 2,
      undecided: 1,
      shadow: 3,
      events: 3,
    });
    const events = await someEvents('shadow.vault_read', 3);
    expect(events.map((event) => event['credential']).sort()).toEqual([
      'orders-readonly',
      'orders-readonly',
      'payments-api',
    ]);
    // Whose token it was stands there as a hash that only we can make.
    expect(JSON.stringify(events)).not.toContain('somebody-else');
    // Nobody here can hash as Vault does unless that is bound: such reads are not decided.
    const more = await send('/v1/shadow/vault-audit', [
      read(creds, 'hmac-sha256:0001'),
      read(creds, 'nobody'),
    ]);
    expect(more.body).toMatchObject({ undecided: 1, shadow: 1, events: 1 });
  });
});

it("finds providers' usage beyond ours, and says each number once", async () => {
  const day = ago(2 * 86_400).slice(0, 10);
  const insert = `INSERT INTO provider_usage (source, day, key, amount_micros, imported_at, imported_by)
    VALUES ('invoice', $1, $2, $3, now(), 'test')`;
  await world.query(insert, [day, 'key-a', 5_000_000]);
  await world.query(insert, [day, 'key-rounding', 9_000]);
  await world.query(insert, [ago(0).slice(0, 10), 'key-today', 5_000_000]);
  const watch = world.app.nest.get(ProviderUsageWatch, { strict: false });
  expect(await watch.look()).toBe(1);
  expect(await watch.look()).toBe(0);
  await world.query(`UPDATE provider_usage SET amount_micros = 6000000 WHERE key = 'key-a'`);
  expect(await watch.look()).toBe(1);
  const events = await someEvents('shadow.provider_usage', 2);
  expect(events.map((event) => event['data'])).toMatchObject([
    { key: 'key-a', theirs_micros: 5_000_000, ours_micros: 0 },
    { key: 'key-a', theirs_micros: 6_000_000, beyond_micros: 6_000_000 },
  ]);
});

describe('egress policies', () => {
  it('are refused for what there is none, and are plain text otherwise', async () => {
    const token = await world.adminToken(['operator']);
    const refused = await world.call('GET', '/v1/egress/policy?for=iptables', { token });
    expect(refused.body).toMatchObject({ code: 'request_invalid' });
    const answer = await world.call('GET', '/v1/egress/policy?for=cilium&namespace=vault-zone', { token });
    expect(answer.headers.get('content-type')).toContain('text/plain');
    expect(answer.body).toContain(`matchName: ${HOST}`);
    expect(answer.body).toContain('namespace: vault-zone');
  });
});
