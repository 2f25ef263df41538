import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { bootstrapVault } from '../../../src/dev/bootstrap.js';
import { mountEngines, mountsNamed, unmountEngines } from '../../../src/dev/engines.js';
import { freePort } from '../../../src/dev/free-port.js';
import { startPostgres, type DevPostgres } from '../../../src/dev/postgres.js';
import { Reaper } from '../../../src/dev/reaper.js';
import { createTarget, type TargetDatabase } from '../../../src/dev/target-database.js';
import type { ApiAnswer } from '../../support/api-call.js';
import { until } from '../../support/until.js';
import { startWorld, type World } from '../../support/world.js';

interface Lease {
  readonly id: string;
  readonly data: Readonly<Record<string, string>>;
  readonly wrapped?: { readonly token: string };
}
interface Event {
  readonly lease_id?: string;
  readonly outcome: string;
  readonly run?: { readonly run_id: string };
  readonly data: Readonly<Record<string, unknown>>;
}
interface Use {
  readonly use: string;
  readonly place: string;
  readonly source: string | null;
  readonly count: number;
}

const id = randomBytes(4).toString('hex');
const FILE_DEVICE = `file-${id}`;
const SOCKET_DEVICE = `socket-${id}`;
const LONG = { deadlineMs: 30_000 };
vi.setConfig({ testTimeout: 240_000 });
const reaper = new Reaper();
const mounts = mountsNamed(`side-${id}`);

let folder: string;
let auditFile: string;
let socketPort: number;
let world: World;
let postgres: DevPostgres;
let warehouse: TargetDatabase;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'leasegate-vault-side-'));
  // The servers write there as users of their own.
  await chmod(folder, 0o777);
  auditFile = join(folder, 'vault.log');
  socketPort = await freePort();
  postgres = await startPostgres(reaper, {
    options: [
      'log_connections=on',
      'logging_collector=on',
      'log_destination=stderr,csvlog,jsonlog',
      `log_directory=${folder}`,
      'log_filename=postgres.log',
      'log_file_mode=0644',
      'log_timezone=UTC',
    ],
  });
  world = await startWorld({
    seed: false,
    settings: {
      vaultAudit: {
        file: { device: FILE_DEVICE, path: auditFile },
        listen: { device: SOCKET_DEVICE, port: socketPort },
        groupSeconds: 1,
      },
      targetLogs: [{ mount: mounts.database, file: join(folder, 'postgres.log') }],
    },
  });
  warehouse = await createTarget(postgres.url('postgres'), '127.0.0.1');
  await mountEngines(world.vault, mounts, warehouse);
  const spec = {
    name: 'warehouse',
    kind: 'database' as const,
    mount: mounts.database,
    path: 'orders-readonly',
    deliveries: ['inline'],
    default_ttl_seconds: 300,
  };
  for (const credential of [...world.credentials.slice(0, 1), spec]) await world.addCredential(credential);
  // A policy that lets the broker ask for hashes, as `leasegate vault apply` writes it.
  await bootstrapVault(world.vault, world.names, [...world.credentials, spec], {
    auditDevices: [FILE_DEVICE, SOCKET_DEVICE],
  });
  await world.createGrant({
    name: 'readers',
    credentials: [{ name: 'orders-readonly' }, { name: 'warehouse' }],
  });
  await world.vault.call('PUT', `sys/audit/${FILE_DEVICE}`, {
    type: 'file',
    options: { file_path: auditFile, mode: '0644' },
  });
}, 240_000);

afterAll(async () => {
  await world.vault.call('DELETE', `sys/audit/${SOCKET_DEVICE}`).catch(() => undefined);
  await world.vault.call('DELETE', `sys/audit/${FILE_DEVICE}`).catch(() => undefined);
  await unmountEngines(world.vault, mounts).catch(() => undefined);
  await world.stop();
  await postgres.stop();
  await reaper.close();
  await rm(folder, { recursive: true, force: true });
});

async function lease(credential: string, more: object = {}): Promise<Lease> {
  const answer = await world.call('POST', '/v1/leases', {
    token: await world.runToken({ runId: `run-${id}` }),
    body: { credential, ...more },
  });
  expect([answer.status, answer.body]).toMatchObject([201, {}]);
  const {
    lease: { id: leaseId },
    credential: data = {},
    wrapping,
  } = answer.body as {
    lease: { id: string };
    credential?: Record<string, string>;
    wrapping?: { token: string };
  };
  return { id: leaseId, data, ...(wrapping === undefined ? {} : { wrapped: wrapping }) };
}

async function usesOf(leaseId: string): Promise<Use[]> {
  const answer = await world.call('GET', `/v1/leases/${leaseId}/uses`, {
    token: await world.adminToken(['auditor']),
  });
  return (answer.body as { items: Use[] }).items;
}

async function eventsOf(kind: string): Promise<Event[]> {
  const { body } = await world.call('GET', `/v1/audit/events?kind=${kind}&limit=200`, {
    token: await world.adminToken(['auditor']),
  });
  return (body as { items: { event: Event }[] }).items.map(({ event }) => event);
}

function eventOf(kind: string, leaseId: string, data: object): Promise<Event> {
  return until(
    async () =>
      (await eventsOf(kind)).find(
        (event) =>
          event.lease_id === leaseId &&
          Object.entries(data).every(([name, value]) => event.data[name] === value),
      ),
    { ...LONG, what: `${kind} ${JSON.stringify(data)}` },
  );
}

async function withToken(token: string, method: string, path: string, body?: object): Promise<number> {
  const response = await fetch(`${world.vault.address}/v1/${path}`, {
    method,
    headers: { 'x-vault-token': token },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  await response.arrayBuffer();
  return response.status;
}

async function logIn(username: string, password: string): Promise<void> {
  const client = new pg.Client({ connectionString: warehouse.urlFor({ username, password }) });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('SELECT 1');
  await client.end();
}

async function send(path: string, text: string): Promise<ApiAnswer> {
  const response = await fetch(new URL(path, world.baseUrl), {
    method: 'POST',
    headers: {
      'content-type': 'text/x-log',
      authorization: `Bearer ${await world.adminToken(['operator'])}`,
    },
    body: text,
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

describe("Vault's file device, with hashed accessors", () => {
  it('tells the read of ours from one of somebody else, about the same moment', async () => {
    const { id: leaseId } = await lease('orders-readonly');
    const found = await until(async () => (await usesOf(leaseId)).find(({ use }) => use === 'handed_out'), {
      ...LONG,
      what: 'the read of the broker',
    });
    expect(found).toMatchObject({
      count: 1,
      source: '127.0.0.1',
      place: `${world.names.mounts.database}/creds/orders-readonly`,
    });
    const made = await fetch(`${world.vault.address}/v1/auth/token/create`, {
      method: 'POST',
      headers: { 'x-vault-token': world.vault.token },
      // Says that it is of our lease, which it is not.
      body: JSON.stringify({ policies: ['root'], ttl: '5m', meta: { lease_id: leaseId } }),
    });
    const {
      auth: { client_token: token },
    } = (await made.json()) as { auth: { client_token: string } };
    expect(await withToken(token, 'GET', `${world.names.mounts.database}/creds/orders-readonly`)).toBe(200);
    const [shadow] = await until(
      async () => {
        const events = await eventsOf('shadow.vault_read');
        return events.length > 0 ? events : undefined;
      },
      { ...LONG, what: 'the shadow read' },
    );
    expect(shadow).toMatchObject({
      outcome: 'failure',
      data: { mount: world.names.mounts.database, count: 1, source: '127.0.0.1' },
    });
    expect(await eventsOf('shadow.vault_read')).toHaveLength(1);
    expect((await usesOf(leaseId)).map(({ use }) => use)).toEqual(['handed_out']);
  });

  it('says when and from where a wrapped credential was unwrapped, in the events of its run', async () => {
    const own = await lease('orders-readonly', { delivery: 'wrapped' });
    const token = own.wrapped?.token ?? '';
    expect(await withToken(token, 'POST', 'sys/wrapping/unwrap')).toBe(200);
    const event = await eventOf('lease.used', own.id, { use: 'unwrapped' });
    expect(event).toMatchObject({
      outcome: 'success',
      run: { run_id: `run-${id}` },
      data: { source: '127.0.0.1', count: 1, after_end: false, via: `vault-audit.file:${auditFile}` },
    });
  });

  it('goes on after a rotation and a restart, and counts nothing twice', async () => {
    await rename(auditFile, `${auditFile}.1`);
    // Until it is told to open its file again, Vault goes on writing to the renamed one.
    const before = await lease('orders-readonly');
    await until(async () => (await usesOf(before.id)).length > 0, {
      ...LONG,
      what: 'the rest of the renamed file',
    });
    await world.stopBroker();
    const held = await readFile(`${auditFile}.1`);
    await world.vault.call('DELETE', `sys/audit/${FILE_DEVICE}`);
    await world.restart();
    const [row] = await world.query<{ read_bytes: string }>(
      'SELECT read_bytes FROM log_cursors WHERE source LIKE $1',
      ['vault-audit%'],
    );
    expect(Number(row?.read_bytes)).toBeLessThanOrEqual(held.length + 100_000);
    expect(await usesOf(before.id)).toMatchObject([{ use: 'handed_out', count: 1 }]);
    expect(await eventsOf('shadow.lines_lost')).toEqual([]);
  });
});

describe("Vault's socket device", () => {
  it('tells the same', async () => {
    await world.vault.call('PUT', `sys/audit/${SOCKET_DEVICE}`, {
      type: 'socket',
      options: { address: `127.0.0.1:${socketPort}`, socket_type: 'tcp' },
    });
    const own = await lease('orders-readonly', { delivery: 'wrapped' });
    await until(async () => (await usesOf(own.id)).some(({ use }) => use === 'handed_out'), {
      ...LONG,
      what: 'the read',
    });
    expect(await withToken(own.wrapped?.token ?? '', 'POST', 'sys/wrapping/unwrap')).toBe(200);
    const event = await eventOf('lease.used', own.id, { use: 'unwrapped' });
    expect(event.data).toMatchObject({ via: 'vault-audit.listen', count: 1 });
  });
});

describe('the log of a PostgreSQL target', () => {
  it('says when the account of a lease logged in, from where, and that it was refused afterwards', async () => {
    const own = await lease('warehouse');
    const { username = '', password = '' } = own.data;
    await logIn(username, password);
    await logIn(username, password);
    const event = await eventOf('account.connected', own.id, { result: 'connected' });
    expect(event).toMatchObject({
      outcome: 'success',
      run: { run_id: `run-${id}` },
      data: { mount: mounts.database, database: warehouse.database, source: '127.0.0.1', after_end: false },
    });
    // The name of the account stands there as a hash that only we can make.
    expect(JSON.stringify(event)).not.toContain(username);
    await expect(logIn(username, 'wrong')).rejects.toThrow();
    expect(await eventOf('account.connected', own.id, { result: 'refused' })).toMatchObject({
      outcome: 'failure',
      data: { source: '127.0.0.1' },
    });
  });

  it.each(['postgres.csv', 'postgres.json', 'postgres.log'])('is taken in as %s, once', async (name) => {
    const own = await lease('warehouse');
    await logIn(own.data['username'] ?? '', own.data['password'] ?? '');
    const lines = await until(
      async () => {
        const text = await readFile(join(folder, name), 'utf8');
        return text.includes(own.data['username'] ?? '?') ? text : undefined;
      },
      { ...LONG, what: `the login in ${name}` },
    );
    const answer = await send(`/v1/shadow/postgres-log?mount=${mounts.database}`, lines);
    expect(answer).toMatchObject({ status: 200, body: { repeated: false, shadow: 0 } });
    expect((answer.body as { ours: number }).ours).toBeGreaterThan(0);
    expect((await send(`/v1/shadow/postgres-log?mount=${mounts.database}`, lines)).body).toMatchObject({
      repeated: true,
    });
    const uses = (await usesOf(own.id)).filter(({ use }) => use === 'login');
    expect(uses).toMatchObject([{ use: 'login', source: '127.0.0.1', place: warehouse.database }]);
  });
});

it('tells that lines were lost when a file went before it was read to its end', async () => {
  // A Vault whose only device takes no lines answers nobody.
  await world.vault.call('DELETE', `sys/audit/${SOCKET_DEVICE}`);
  await world.stopBroker();
  await rm(`${auditFile}.1`);
  await writeFile(auditFile, `{"time":"${new Date().toISOString()}","type":"request","request":{}}\n`);
  await world.restart();
  await until(async () => (await eventsOf('shadow.lines_lost')).length === 1, { ...LONG, what: 'the gap' });
  expect(await eventsOf('shadow.lines_lost')).toMatchObject([{ outcome: 'failure', data: { cause: 'gap' } }]);
});
