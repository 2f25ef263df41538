import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../support/until.js';
import { startWorld, type World } from '../../support/world.js';

describe.each(['in-process', 'process'] as const)('a world whose broker is %s', (mode) => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld({ mode });
  });
  afterAll(() => world?.stop());

  it('refuses who has no token', async () => {
    expect(await world.call('GET', '/v1/grants')).toMatchObject({
      status: 401,
      body: { code: 'authentication_required' },
    });
  });

  it('leases a credential that exists in the target, until the run is closed', async () => {
    const token = await world.runToken();
    const leased = await world.call('POST', '/v1/leases', { token, body: { credential: 'orders-readonly' } });
    expect(leased.status).toBe(201);
    const { credential } = leased.body as { credential: { username: string } };
    expect(await world.targetUsers()).toEqual([credential.username]);
    expect((await world.call('DELETE', '/v1/runs/self', { token })).status).toBe(200);
    await until(async () => (await world.targetUsers()).length === 0, { what: 'the user to be dropped' });
  });

  it('keeps what it knows over a restart', async () => {
    await world.restart();
    const { body } = await world.call('GET', '/v1/grants', { token: await world.adminToken() });
    expect(body).toMatchObject({ items: [{ name: 'nightly-orders', state: 'active' }] });
    expect(world.log).not.toContain(world.login.secretId);
  });
});

it('survives a kill: the next start has everything', async () => {
  const world = await startWorld({ mode: 'process' });
  try {
    world.broker.stop('SIGKILL').catch(() => undefined);
    expect(await world.broker.exited).toBe('SIGKILL');
    await world.restart();
    expect((await world.call('GET', '/livez')).status).toBe(200);
  } finally {
    await world.stop();
  }
});
