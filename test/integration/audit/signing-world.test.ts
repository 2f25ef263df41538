import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { LogTree } from '../../../src/audit/log/log-tree.js';
import { createDataSource } from '../../../src/database/data-source.js';
import { DataSourceTransactions } from '../../../src/database/transaction.js';
import { settingsFrom } from '../../../src/settings/load.js';
import { brokerSettings } from '../../../src/dev/broker-settings.js';
import { checkpointIn } from '../../../src/tlog/checkpoint.js';
import { leafHash, splitHashes } from '../../../src/tlog/hash.js';
import { keyOfLine, parseNote, signersOf } from '../../../src/tlog/note.js';
import { until } from '../../support/until.js';
import { startWorld, type World } from '../../support/world.js';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const WAIT = { deadlineMs: 60_000 };
const settings = { audit: { log: { checkpointIntervalMs: 100, signing: { keyRefreshMs: 100 } } } };

interface Event {
  readonly event: { readonly kind: string; readonly data: Readonly<Record<string, unknown>> };
}

let world: World;
let auditor: string;

/** Events of a kind, newest first. */
async function events(kind: string): Promise<readonly Event[]> {
  const { body } = await world.call('GET', `/v1/audit/events?kind=${kind}&limit=50`, { token: auditor });
  return (body as { items: readonly Event[] }).items;
}

/** Something that is recorded. */
async function act(): Promise<void> {
  await world.call('POST', '/v1/hold', { token: await world.adminToken(), body: { reason: 'a test' } });
}

async function signedSize(): Promise<number> {
  const { body } = await world.call('GET', '/log/checkpoint', { token: auditor });
  return checkpointIn(String(body))?.size ?? -1;
}

async function signedBeyond(size: number): Promise<number> {
  return until(async () => {
    const now = await signedSize();
    return now > size ? now : undefined;
  }, WAIT);
}

async function auditLogCheck(): Promise<{ ok: boolean; detail?: string }> {
  const { body } = await world.call('GET', '/readyz');
  const { checks } = body as { checks: Record<string, { ok: boolean; detail?: string }> };
  return checks['audit_log'] ?? { ok: false };
}

describe('a broker that signs', () => {
  beforeAll(async () => {
    world = await startWorld({ settings });
    auditor = await world.adminToken(['auditor']);
    await until(async () => (await signedSize()) > 5, WAIT);
  });
  afterAll(() => world.stop());

  it('gives its tiles to nobody without the role, and none that the checkpoint does not cover', async () => {
    const path = '/log/tile/0/000.p/5';
    expect((await world.call('GET', path)).status).toBe(401);
    expect((await world.call('GET', path, { token: await world.adminToken(['operator']) })).status).toBe(403);
    for (const wrong of [
      '0/000',
      '0/000.p/256',
      '0/000.p/0',
      '0/001.p/1',
      '9/000.p/1',
      '0/0.p/1',
      'x/000',
      'entries/00x',
    ])
      expect((await world.call('GET', `/log/tile/${wrong}`, { token: auditor })).status, wrong).toBe(404);
  });

  it('gives checkpoint, keys, tiles and entries that fit each other', async () => {
    const { body: note, headers } = await world.call('GET', '/log/checkpoint', { token: auditor });
    expect(headers.get('content-type')).toContain('text/plain');
    const { body: keys } = await world.call('GET', '/log/keys', { token: auditor });
    const lines = (keys as { items: { key: string }[] }).items.map(({ key }) => keyOfLine(key)!);
    expect(signersOf(parseNote(String(note))!, lines)).toHaveLength(1);
    const raw = async (path: string): Promise<Buffer> => {
      const answer = await fetch(`${world.baseUrl}/log/tile/${path}`, {
        headers: { authorization: `Bearer ${auditor}` },
      });
      expect(answer.headers.get('cache-control')).toContain('max-age=60');
      return Buffer.from(await answer.arrayBuffer());
    };
    const entries = await raw('entries/000.p/2');
    const first = entries.subarray(2, 2 + entries.readUInt16BE(0));
    expect(splitHashes(await raw('0/000.p/2'))[0]).toEqual(leafHash(first));
  });

  it('says once that it cannot sign, that it can again, and is ready meanwhile', async () => {
    const { transit } = world.names.log;
    await world.vault.call('POST', 'sys/remount', { from: transit, to: `${transit}-away` });
    await act();
    await until(async () => (await events('log.signing_failed')).length > 0, WAIT);
    await until(async () => !(await auditLogCheck()).ok, WAIT);
    expect((await world.call('GET', '/readyz')).status).toBe(200);
    await act();
    await world.vault.call('POST', 'sys/remount', { from: `${transit}-away`, to: transit });
    await until(async () => (await events('log.signing_resumed')).length === 1, WAIT);
    expect(await events('log.signing_failed')).toHaveLength(1);
    await until(async () => (await auditLogCheck()).ok, WAIT);
  });

  it('says that the log was set back, and goes on after a new origin alone', async () => {
    const size = await signedSize();
    await superuser(`UPDATE audit_head SET origin = 'leasegate/other'`);
    await act();
    await until(async () => (await events('log.set_back')).length === 1, WAIT);
    await until(async () => (await auditLogCheck()).detail?.includes('new-origin'), WAIT);
    const path = '/v1/audit/origins';
    const body = { reason: 'the name was changed by hand' };
    expect((await world.call('POST', path, { token: auditor, body })).status).toBe(403);
    const token = await world.adminToken();
    expect((await world.call('POST', path, { token, body: {} })).status).toBe(422);
    const begun = await world.call('POST', path, { token, body });
    expect([begun.status, begun.body]).toMatchObject([201, { former: {}, lost: 0, reason: body.reason }]);
    await signedBeyond(size);
    await until(async () => (await auditLogCheck()).ok, WAIT);
    expect(await events('log.origin_changed')).toHaveLength(1);
    const list = await world.call('GET', path, { token: auditor });
    expect((list.body as { items: unknown[] }).items).toEqual([begun.body]);
  });

  it('says that the log was damaged, at /readyz at once and in an event afterwards', async () => {
    await until(async () => (await world.query('SELECT 1 FROM audit_inbox')).length === 0, WAIT);
    await superuser(
      `UPDATE audit_head SET root_hash = sha256('x'), epoch = epoch + 1`,
      `UPDATE audit_entry SET leaf = '{"forged":true}' WHERE idx = (SELECT max(idx) FROM audit_entry)`,
    );
    await act();
    await until(async () => /does not have the root/.test((await auditLogCheck()).detail ?? ''), WAIT);
    const token = await world.adminToken();
    const body = { reason: 'somebody wrote to the database' };
    expect((await world.call('POST', '/v1/audit/origins', { token, body })).status).toBe(201);
    await until(async () => (await events('log.damaged')).length > 0, WAIT);
    await until(async () => (await auditLogCheck()).ok, WAIT);
  });
});

describe('a broker that stops between the mark and the signature', () => {
  const points = mkdtempSync(join(tmpdir(), 'leasegate-points-'));
  const point = 'audit.checkpoint.marked';

  beforeAll(async () => {
    world = await startWorld({ mode: 'process', settings, env: { LEASEGATE_CRASH_AT: `@${points}` } });
    auditor = await world.adminToken(['auditor']);
    await until(async () => (await signedSize()) > 0, WAIT);
  });
  afterAll(async () => {
    await world.stop();
    rmSync(points, { recursive: true });
  });

  async function stopped(action: 'kill' | 'freeze'): Promise<void> {
    writeFileSync(join(points, point), action);
    // Again and again: where two sign, only who marks first comes by. Nobody waits for an answer of who is stopped.
    await until(() => {
      void act().catch(() => undefined);
      return !existsSync(join(points, point));
    }, WAIT);
    for (const name of readdirSync(points)) rmSync(join(points, name));
  }

  it('by being killed: the next one signs what was marked, and goes on', async () => {
    const size = await signedSize();
    await stopped('kill');
    await world.restart();
    expect(await signedBeyond(size)).toBeGreaterThan(size);
    await everyCheckpointFits();
  });

  it('by being frozen: another one goes on, and what the first signs late is no other log', async () => {
    const other = await world.replica();
    try {
      const size = await signedSize();
      await stopped('freeze');
      const { pid } = world.broker;
      const at = async (): Promise<number> => {
        const answer = await fetch(`${other.url}/log/checkpoint`, {
          headers: { authorization: `Bearer ${auditor}` },
        });
        return checkpointIn(await answer.text())?.size ?? -1;
      };
      const hold = async (): Promise<unknown> =>
        fetch(`${other.url}/v1/hold`, {
          method: 'POST',
          headers: {
            authorization: `Bearer ${await world.adminToken()}`,
            'content-type': 'application/json',
          },
          body: JSON.stringify({ reason: 'a test' }),
        });
      await hold();
      await until(async () => (await at()) > size, WAIT);
      const ahead = await at();
      process.kill(pid, 'SIGCONT');
      await act();
      await signedBeyond(ahead);
    } finally {
      await other.stop();
    }
    await everyCheckpointFits();
  });
});

/** One who takes the guards away. */
async function superuser(...statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: world.databaseUrl });
  await client.connect();
  try {
    for (const text of ['BEGIN', 'SET LOCAL session_replication_role = replica', ...statements, 'COMMIT'])
      await client.query(text);
  } finally {
    await client.end();
  }
}

/** Every checkpoint that was ever signed is one of the log as it is. */
async function everyCheckpointFits(): Promise<void> {
  const rows = await world.query<{ size: string; root_hash: Buffer; note: string }>(
    'SELECT size, root_hash, note FROM audit_checkpoint ORDER BY size',
  );
  expect(rows.length).toBeGreaterThan(1);
  const { names, login } = world;
  const parts = { databaseUrl: world.databaseUrl, vaultAddress: world.vault.address, names, login };
  const dataSource = createDataSource(
    settingsFrom(brokerSettings({ ...parts, issuerUrl: 'https://id.example', port: 0 })),
  );
  await dataSource.initialize();
  try {
    const tree = new LogTree(new DataSourceTransactions(dataSource));
    for (const { size, root_hash: root, note } of rows) {
      expect(checkpointIn(note)).toMatchObject({ size: Number(size) });
      expect(await tree.rootAt(Number(size))).toEqual(root);
    }
  } finally {
    await dataSource.destroy();
  }
}
