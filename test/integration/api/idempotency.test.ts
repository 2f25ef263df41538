import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiAnswer } from '../../support/api-call.js';
import { startWorld, type World } from '../../support/world.js';

let world: World;
let admin: string;
beforeAll(async () => {
  world = await startWorld();
  admin = await world.adminToken();
});
afterAll(() => world.stop());

function credential(name: string): Record<string, unknown> {
  return { name, kind: 'kv', mount: 'kv', path: 'some/path' };
}

function create(name: string, key: string, token = admin): Promise<ApiAnswer> {
  return world.call('POST', '/v1/credentials', {
    token,
    body: credential(name),
    headers: { 'idempotency-key': key },
  });
}

describe('an idempotency key', () => {
  it.each(['a b', 'x'.repeat(256), 'tab\there'])('is refused when it is %j', async (key) => {
    const { status, body } = await world.call('POST', '/v1/credentials', {
      token: admin,
      body: credential('refused'),
      headers: { 'idempotency-key': key },
    });
    expect({ status, body }).toMatchObject({ status: 400, body: { code: 'request_malformed' } });
  });

  it('is refused with another request', async () => {
    expect((await create('first', 'key-1')).status).toBe(201);
    expect(await create('second', 'key-1')).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_reused' },
    });
    expect((await world.call('GET', '/v1/credentials/second', { token: admin })).status).toBe(404);
  });

  it('gives the same answer again, whatever happened since', async () => {
    const first = await create('again', 'key-2');
    await world.call('POST', '/v1/credentials/again/disable', { token: admin });
    const second = await create('again', 'key-2');
    expect(second).toMatchObject({ status: 201, body: first.body });
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect(second.headers.get('etag')).toBe(first.headers.get('etag'));
  });

  it('means nothing for another caller or another route', async () => {
    expect((await create('mine', 'key-3')).status).toBe(201);
    expect(await create('mine', 'key-3', await world.adminToken(['admin'], 'bob'))).toMatchObject({
      status: 409,
      body: { code: 'name_taken' },
    });
    const headers = { 'idempotency-key': 'key-3' };
    expect((await world.call('POST', '/v1/credentials/mine/disable', { token: admin, headers })).status).toBe(
      200,
    );
  });

  it('tells one thing in a path from another', async () => {
    await create('left', 'key-4');
    await create('right', 'key-5');
    const headers = { 'idempotency-key': 'key-6' };
    expect((await world.call('POST', '/v1/credentials/left/disable', { token: admin, headers })).status).toBe(
      200,
    );
    expect(
      await world.call('POST', '/v1/credentials/right/disable', { token: admin, headers }),
    ).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_reused' },
    });
  });

  it('is free again after a refusal', async () => {
    expect((await create('taken', 'key-7')).status).toBe(201);
    expect((await create('taken', 'key-8')).status).toBe(409);
    expect((await create('taken', 'key-8')).status).toBe(409);
    expect((await create('free', 'key-8')).status).toBe(201);
  });

  it('lets one of many at once through', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => create('once', 'key-9')));
    const fresh = answers.filter(
      ({ status, headers }) => status === 201 && headers.get('idempotency-replayed') === null,
    );
    const others = answers.filter((answer) => !fresh.includes(answer));
    expect(fresh).toHaveLength(1);
    for (const { status, body, headers } of others) {
      if (status === 201) expect(headers.get('idempotency-replayed')).toBe('true');
      else expect({ status, body }).toMatchObject({ status: 409, body: { code: 'idempotency_in_progress' } });
    }
  });

  it('of a replica that died is locked for a while, and then taken over', async () => {
    const lock = (until: string): Promise<unknown> =>
      world.query(
        `INSERT INTO idempotency_keys (actor, route, key, request_hash, created_at, locked_until)
         SELECT actor, route, 'key-' || '10', request_hash, now(), now() + $1::interval FROM idempotency_keys WHERE key = 'key-11'
         ON CONFLICT (actor, route, key) DO UPDATE SET locked_until = excluded.locked_until, status = NULL`,
        [until],
      );
    const other = { token: admin, body: { reason: 'a' } };
    const first = await world.call('POST', '/v1/hold', {
      ...other,
      headers: { 'idempotency-key': 'key-11' },
    });
    expect(first.status).toBe(200);
    await lock('1 minute');
    const headers = { 'idempotency-key': 'key-10' };
    expect(await world.call('POST', '/v1/hold', { ...other, headers })).toMatchObject({
      status: 409,
      body: { code: 'idempotency_in_progress' },
    });
    await lock('-1 second');
    expect((await world.call('POST', '/v1/hold', { ...other, headers })).status).toBe(200);
    await world.call('POST', '/v1/hold/release', { token: admin, body: { reason: 'b' } });
  });

  it('of a lease revokes the earlier one: there are never two', async () => {
    const token = await world.runToken();
    const lease = (): Promise<ApiAnswer> =>
      world.call('POST', '/v1/leases', {
        token,
        body: { credential: 'orders-readonly' },
        headers: { 'idempotency-key': 'retry' },
      });
    const [first, second] = [await lease(), await lease()];
    expect([first.status, second.status]).toEqual([201, 201]);
    const ids = [first, second].map(({ body }) => (body as { lease: { id: string } }).lease.id);
    expect(ids[0]).not.toBe(ids[1]);
    const before = await world.call('GET', `/v1/leases/${ids[0]}`, { token: admin });
    expect(before.body).toMatchObject({ revoke_cause: 'superseded' });
    expect(await world.query(`SELECT 1 FROM idempotency_keys WHERE key = 'retry'`)).toEqual([]);
  });
});
