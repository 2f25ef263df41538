import { inspect } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AdminClient,
  LeasegateClient,
  ProofKey,
  type LeasegateClientOptions,
} from '../../../src/sdk/index.js';
import { until } from '../../support/until.js';
import { startWorld, type World } from '../../support/world.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.stop());

const worker = (options: Partial<LeasegateClientOptions> = {}): LeasegateClient =>
  new LeasegateClient({
    url: world.baseUrl,
    tokenSource: () => world.workerToken(),
    runId: 'sdk',
    stepId: 's',
    ...options,
  });

describe('refused', () => {
  it('names code, status and reference', async () => {
    const stranger = worker({ tokenSource: () => world.workerToken({ sub: 'jobs/stranger' }) });
    await expect(stranger.lease('orders-readonly')).rejects.toMatchObject({
      code: 'grant_not_found',
      status: 400,
      reference: expect.stringMatching(/./) as string,
    });
    await expect(worker().lease('orders-readonly', { ttlSeconds: 86_400 * 7 })).rejects.toMatchObject({
      code: 'ttl_refused',
      status: 422,
    });
  });

  it('a bound token without its key', async () => {
    const bound = worker({ proofKey: await ProofKey.generate(), runId: 'sdk-bound' });
    const token = (await bound.runToken()).expose();
    await expect(worker({ runToken: token, tokenSource: undefined }).run.get()).rejects.toMatchObject({
      status: 401,
    });
    const otherKey = worker({ runToken: token, tokenSource: undefined, proofKey: await ProofKey.generate() });
    await expect(otherKey.run.get()).rejects.toMatchObject({ status: 401 });
    expect((await bound.run.get()).run.run_id).toBe('sdk-bound');
  });
});

it('leases until the end of the block', async () => {
  const client = worker({ runId: 'sdk-block' });
  const names: string[] = [];
  {
    await using orders = await client.lease('orders-readonly');
    await using tls = await client.lease('internal-tls', { stepId: 'other' });
    const { username, password } = orders.data as { username: string; password: string };
    const target = new pg.Client({ connectionString: world.target.urlFor({ username, password }) });
    await target.connect();
    names.push(
      (await target.query<{ current_user: string }>('select current_user')).rows[0]?.current_user ?? '',
    );
    await target.end();
    expect(names).toEqual([username]);
    expect(tls.data['certificate']).toContain('BEGIN CERTIFICATE');
    expect(inspect([orders, tls, client, orders.data], { depth: 9 })).not.toContain(password);
    expect(tls.view.step_id).toBe('other');
  }
  expect(await world.targetUsers()).not.toContain(names[0]);
  expect((await client.run.get()).leases.map(({ state }) => state)).toEqual(['revoked', 'revoked']);
});

it('renews by itself while it is held, and says when that ends', async () => {
  const client = worker({ runId: 'sdk-renews' });
  const lease = await client.lease('orders-readonly', { ttlSeconds: 8 });
  const failures: unknown[] = [];
  lease.on('renewal-failed', ({ error, willRetry }) =>
    failures.push([(error as { code: string }).code, willRetry]),
  );
  await until(() => lease.view.renewals >= 2, { deadlineMs: 90_000, what: 'two renewals' });
  const admin = new AdminClient({ url: world.baseUrl, tokenSource: () => world.adminToken() });
  await admin.leases.revoke(lease.id, { reason: 'test' });
  await until(() => failures.length > 0);
  expect(failures).toEqual([['lease_not_active', false]]);
  await lease.release();
});

it('goes on when the broker comes back', async () => {
  const client = worker({ runId: 'sdk-restart', retry: { attempts: 20, baseMs: 50, maxMs: 500 } });
  const first = await client.lease('payments-api');
  expect(first.revocable).toBe(false);
  await world.stopBroker();
  const pending = client.lease('orders-readonly');
  await world.restart();
  const second = await pending;
  expect(second.view.state).toBe('active');
  const end = await client.run.close();
  expect(end).toMatchObject({ leases: 2, outstanding: 0 });
  await expect(client.lease('orders-readonly')).rejects.toMatchObject({ code: 'run_closed' });
});

it('does for an admin what the API does', async () => {
  const admin = new AdminClient({
    url: world.baseUrl,
    tokenSource: () => world.adminToken(['admin', 'auditor']),
  });
  expect(await admin.whoami()).toMatchObject({ subject: 'alice', roles: ['admin', 'auditor'] });
  const names: string[] = [];
  for await (const { name } of admin.credentials.all({ limit: 1 })) names.push(name);
  expect(names.sort()).toEqual(['internal-tls', 'orders-readonly', 'payments-api']);
  const { version, spec } = await admin.grants.get('nightly-orders');
  await expect(admin.grants.change('nightly-orders', spec, version + 1)).rejects.toMatchObject({
    code: 'precondition_failed',
    status: 412,
  });
  expect((await admin.audit.list({ kind: ['run.opened'], limit: 1 })).items[0]?.event['kind']).toBe(
    'run.opened',
  );
});
