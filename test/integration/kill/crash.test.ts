import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../../support/until.js';
import { startWorld, WORKER_SUBJECT, type World } from '../../support/world.js';

const LEASES = 100_000;
/** What one step marks in one transaction. */
const STEP = 500;
/** A replica that died is given some seconds before another goes on with what it was gathering. */
const RESUMED = { deadlineMs: 60_000, what: 'the end of the runs' };
const MARKED = { deadlineMs: 300_000, what: 'all leases marked' };
/** So much more memory than just after the start, with the log of it all; the leases and their events are far more than that. */
const MOST_MIB = 300;

let world: World;
afterEach(() => world.stop());

async function post(path: string, body: unknown): Promise<{ status: number; body: unknown }> {
  return world.call('POST', path, { token: await world.adminToken(), body });
}

async function runToken(): Promise<string> {
  return world.runToken({ runId: `run-${performance.now()}` });
}

async function statesOf(): Promise<Readonly<Record<string, number>>> {
  const rows = await world.query<{ state: string; count: number }>(
    'SELECT state, count(*)::int AS count FROM leases GROUP BY 1',
  );
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
}

/** Live rows under the open run; nothing is leased for them. */
async function seed(count: number): Promise<void> {
  await world.query(
    `INSERT INTO leases (id, run_ref, step_id, grant_id, grant_version, credential, credential_version, kind, mount, delivery,
       revocable, state, accessor, vault_lease_id, requested_at, issued_at, expires_at, max_expires_at)
     SELECT gen_random_uuid(), r.id, 'seeded', r.grant_id, r.grant_version, 'orders-readonly', 1, 'database', $1, 'inline',
       true, 'active', 'seeded-' || gen_random_uuid(), $1 || '/' || n, now(), now(), now() + interval '1 day', now() + interval '1 day'
     FROM (SELECT * FROM runs WHERE state = 'open' LIMIT 1) r, generate_series(1, $2::int) n`,
    [world.names.mounts.database, count],
  );
  await world.query('ANALYZE leases');
}

async function mostMiB(): Promise<number> {
  const status = await readFile(`/proc/${world.broker.pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

describe('a replica that is killed in the middle of a kill', () => {
  it('leaves a shut door behind, and another ends the runs and proves the leases dead', async () => {
    world = await startWorld({ mode: 'process', env: { LEASEGATE_CRASH_AT: 'revocation.opened:kill' } });
    const token = await runToken();
    const leased = await world.call('POST', '/v1/leases', { token, body: { credential: 'orders-readonly' } });
    expect([leased.status, (await world.targetUsers()).length]).toEqual([201, 1]);
    const workload = { issuer: 'dev', subject: WORKER_SUBJECT };
    await expect(post('/v1/revocations', { selector: { workload }, reason: 'x' })).rejects.toThrow();
    await world.restart({ env: {} });
    await expect(runToken()).rejects.toThrow('workload_blocked');
    await until(
      async () => (await world.query(`SELECT 1 FROM runs WHERE state = 'open'`)).length === 0,
      RESUMED,
    );
    await until(async () => (await world.targetUsers()).length === 0, RESUMED);
    await until(
      async () => (await world.query(`SELECT 1 FROM revocations WHERE state <> 'done'`)).length === 0,
      RESUMED,
    );
  }, 240_000);

  it(`is followed by one that goes on marking ${LEASES} leases of an issuer in bounded memory, each once`, async () => {
    world = await startWorld({ mode: 'process', env: { LEASEGATE_CRASH_AT: 'revocation.marked:kill' } });
    const token = await runToken();
    await seed(LEASES);
    // Nothing of this is in Vault: it is about marking, and what is held is marked and not revoked.
    expect((await post('/v1/hold', { reason: 'test' })).status).toBeLessThan(300);
    const wanted = { selector: { issuer: 'dev' }, reason: 'the issuer is taken over' };
    const refused = await post('/v1/revocations', wanted);
    expect(refused).toMatchObject({ status: 409, body: { code: 'confirmation_required', leases: LEASES } });
    const { confirmation } = refused.body as { confirmation: string };
    await expect(post('/v1/revocations', { ...wanted, confirmation })).rejects.toThrow();
    await world.broker.exited;
    expect(await statesOf()).toEqual({ active: LEASES - STEP, revoking: STEP });

    await world.restart({ env: {} });
    const lease = await world.call('POST', '/v1/leases', { token, body: { credential: 'payments-api' } });
    expect(lease).toMatchObject({ status: 403, body: { code: 'run_closed' } });
    await expect(runToken()).rejects.toThrow('workload_blocked');
    const beforeMiB = await mostMiB();
    await until(async () => (await statesOf())['revoking'] === LEASES, MARKED);
    const [revocation] = await until(async () => {
      const rows = await world.query<{ id: string }>(`SELECT id FROM revocations WHERE state = 'revoking'`);
      return rows.length > 0 ? rows : undefined;
    });
    const { body } = await world.call('GET', `/v1/revocations/${revocation?.id}`, {
      token: await world.adminToken(),
    });
    expect(body).toMatchObject({ cause: 'issuer_blocked', leases: LEASES, outstanding: LEASES, proved: 0 });
    const kind = 'lease.revocation_requested';
    const events = async (): Promise<readonly unknown[]> =>
      world.query(
        `SELECT count(*)::int AS events, count(DISTINCT convert_from(leaf, 'UTF8')::jsonb->>'lease_id')::int AS leases
         FROM audit_entry WHERE kind = $1`,
        [kind],
      );
    await until(async () => JSON.stringify(await events()).includes(`${LEASES}`), MARKED);
    expect(await events()).toEqual([{ events: LEASES, leases: LEASES }]);
    expect((await mostMiB()) - beforeMiB).toBeLessThan(MOST_MIB);
  }, 600_000);
});
