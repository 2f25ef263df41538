import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runSql } from '../../../src/dev/sql.js';
import { until } from '../../support/until.js';
import { startWorld, type World } from '../../support/world.js';

interface Ready {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail?: string }>>;
}

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.stop());

async function ready(): Promise<{ status: number; body: Ready }> {
  const { status, body } = await world.call('GET', '/readyz');
  return { status, body: body as Ready };
}

describe('readiness', () => {
  it('names every dependency', async () => {
    const { status, body } = await until(async () => {
      const answer = await ready();
      return answer.body.ready ? answer : undefined;
    });
    expect(status).toBe(200);
    expect(Object.keys(body.checks)).toEqual([
      'database',
      'migrations',
      'vault',
      'vault_rights',
      'vault_clock',
      'audit_log',
      'issuer:dev',
      'revocation',
    ]);
  });

  it('stays where a connection could not be taken, for want of file descriptors', async () => {
    const server = world.app.nest.getHttpServer();
    expect(() => server.emit('error', new Error('accept EMFILE'))).not.toThrow();
    expect((await ready()).body.checks['database']).toMatchObject({ ok: true });
  });

  it('fails without Vault, and says so; what does not need Vault goes on', async () => {
    await world.restart({ settings: { vault: { address: 'http://127.0.0.1:1' } } });
    const { status, body } = await ready();
    expect(status).toBe(503);
    expect(body.checks['vault']).toMatchObject({
      ok: false,
      state: 'unreachable',
      advice: expect.stringContaining('vault.address') as string,
    });
    expect(body.checks['database']?.ok).toBe(true);
    const token = await world.runToken({ runId: 'without-vault' });
    const refused = await world.call('POST', '/v1/leases', {
      token,
      body: { credential: 'orders-readonly' },
    });
    expect(refused).toMatchObject({ status: 503, body: { code: 'vault_unavailable' } });
    expect((await world.call('GET', '/livez')).status).toBe(200);
    await world.restart({ settings: { vault: { address: world.vault.address } } });
  });

  it('names migrations that have not run', async () => {
    await world.query(`UPDATE schema_migrations SET name = 'other'`);
    await world.restart();
    const { status, body } = await ready();
    expect(status).toBe(503);
    expect(body.checks['migrations']).toMatchObject({
      ok: false,
      detail: expect.stringContaining('leasegate migrate') as string,
    });
    await world.query(`UPDATE schema_migrations SET name = 'First1700000000000'`);
  });
});

describe('a database that goes away', () => {
  it('is answered as such, and is found again when it is back', async () => {
    await world.restart();
    const token = await world.adminToken();
    expect((await world.call('GET', '/v1/whoami', { token })).status).toBe(200);
    const name = new URL(world.databaseUrl).pathname.slice(1);
    const admin = new URL(world.databaseUrl);
    admin.pathname = '/postgres';
    const cut = (): Promise<unknown> =>
      runSql(
        admin.href,
        `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`,
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`,
      );
    await cut();
    try {
      const answer = await until(async () => {
        const tried = await world.call('GET', '/v1/grants', { token });
        return tried.status === 503 ? tried : undefined;
      });
      expect(answer.body).toMatchObject({ code: 'database_unavailable' });
      expect(answer.headers.get('retry-after')).toBe('2');
      expect(JSON.stringify(answer.body)).not.toContain(name);
      const metrics = await world.call('GET', '/metrics');
      expect(metrics.body).toContain('leasegate_database_up 0');
      expect((await world.call('GET', '/livez')).status).toBe(200);
    } finally {
      await runSql(admin.href, `ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
    }
    await until(async () => (await world.call('GET', '/v1/grants', { token })).status === 200);
  });
});

describe('metrics', () => {
  it('count requests by route, decisions by code, Vault calls, leases and backlog', async () => {
    const token = await world.runToken({ runId: 'measured' });
    await world.call('POST', '/v1/leases', { token, body: { credential: 'orders-readonly' } });
    await world.call('POST', '/v1/leases', { token, body: { credential: 'other' } });
    const text = await until(async () => {
      const { body } = await world.call('GET', '/metrics');
      return String(body).includes('leasegate_job_runs') ? String(body) : undefined;
    });
    for (const line of [
      'leasegate_http_request_duration_seconds_count{method="POST",route="/v1/leases",status="201"} 1',
      'leasegate_decisions_total{route="/v1/leases",code="credential_not_granted"} 1',
      'leasegate_leases{state="active"} 1',
      'leasegate_database_up 1',
    ])
      expect(text).toContain(line);
    expect(text).toMatch(/leasegate_vault_call_duration_seconds_count\{operation="\w+",outcome="ok"\} [1-9]/);
    expect(text).toMatch(/^# TYPE leasegate_revocation_lag_seconds gauge/m);
    expect(text).toMatch(/^leasegate_audit_backlog_events \d/m);
    expect(text).not.toMatch(/measured|nightly|orders-readonly/);
  });
});

describe('a stop', () => {
  it('lets open requests finish, and sequences what they recorded', async () => {
    await world.restart({ settings: { server: { drainSeconds: 60 } } });
    const token = await world.runToken({ runId: 'stopping' });
    const { app } = world;
    const arrived = once(app.nest.getHttpServer(), 'request');
    const open = world.call('POST', '/v1/leases', { token, body: { credential: 'orders-readonly' } });
    await arrived;
    await app.close();
    expect((await open).status).toBe(201);
    await expect(fetch(`${world.baseUrl}/livez`)).rejects.toThrow();
    expect(await world.query('SELECT 1 FROM audit_inbox')).toEqual([]);
    await expect(app.close()).resolves.toBeUndefined();
  });
});
