import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../support/until.js';
import { admin, startLeaseWorld, workerOf, type LeaseWorld } from './lease-world.js';

let world: LeaseWorld;

beforeAll(async () => {
  world = await startLeaseWorld();
});
afterEach(() => {
  for (const call of Object.keys(world.broker.source.around)) {
    delete world.broker.source.around[call as keyof typeof world.broker.source.around];
  }
});
afterAll(() => world.stop());

const settled = (outcomes: readonly PromiseSettledResult<unknown>[]): { won: number; codes: string[] } => ({
  won: outcomes.filter(({ status }) => status === 'fulfilled').length,
  codes: outcomes.flatMap((outcome) =>
    outcome.status === 'rejected' ? [(outcome.reason as { code: string }).code] : [],
  ),
});

describe('caps on live leases', () => {
  it.each([
    ['of the grant', { liveLeases: 5 }],
    ['of the run', { liveLeasesPerRun: 5 }],
    ['of both', { liveLeases: 5, liveLeasesPerRun: 7 }],
  ])('%s are exact under 16 requests at once', async (_, limits) => {
    const run = await world.openRun({ limits });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 16 }, () =>
        world.broker.issue.issue(run, { credential: world.mounts.names.kv }, workerOf(run)),
      ),
    );
    const { won, codes } = settled(outcomes);
    expect(won).toBe(5);
    expect(new Set(codes)).toEqual(new Set(['grant_limit_reached']));
    const [rows] = await world.query<{ count: number }>(
      'SELECT count(*)::int AS count FROM leases WHERE run_ref = $1',
      [run.runRef],
    );
    expect(rows?.count).toBe(5);
  });

  it('make room when a lease has ended, not before', async () => {
    const run = await world.openRun({ limits: { liveLeases: 1 } });
    const ask = (): ReturnType<typeof world.broker.issue.issue> =>
      world.broker.issue.issue(run, { credential: world.mounts.names.kv }, workerOf(run));
    const { lease } = await ask();
    await expect(ask()).rejects.toMatchObject({ code: 'grant_limit_reached' });
    await world.broker.end.release(run, lease.id, workerOf(run));
    await ask();
  });
});

describe('a run that is closed while it leases', () => {
  it.each(['createLeaseToken', 'read'] as const)('after %s leaves no database user', async (call) => {
    const { broker, mounts } = world;
    const run = await world.openRun();
    const before = await world.liveUsers();
    broker.source.around[call] = {
      after: async () => {
        await broker.runs.close(workerOf(run), run.runRef);
        await broker.revoker.revokeNow({ runRef: run.runRef }, 30_000);
      },
    };
    const asked = broker.issue.issue(run, { credential: mounts.names.database }, workerOf(run));
    await expect(asked).rejects.toMatchObject({ code: 'run_closed' });
    await until(async () => (await world.liveUsers()).length <= before.length, {
      what: 'the user to be gone',
    });
    const { items } = await broker.leases.list({ run: run.runRef, limit: 10 });
    expect(items.map(({ state }) => state)).toEqual(call === 'read' ? ['revoked'] : []);
  });

  it('at any moment leaves no database user and no row without an end', async () => {
    const { broker, mounts } = world;
    const before = new Set(await world.liveUsers());
    const attempts = Array.from({ length: 12 }, async (_, index) => {
      const run = await world.openRun();
      const asked = broker.issue.issue(run, { credential: mounts.names.database }, workerOf(run));
      const closed = (async () => {
        // Each a little later than the one before: together they cover the six steps.
        for (let turn = 0; turn < index * 3; turn += 1) await broker.transactions.reads.query('SELECT 1');
        await broker.runs.close(workerOf(run), run.runRef);
      })();
      const [outcome] = await Promise.allSettled([asked, closed]);
      await closed;
      return { run, outcome };
    });
    const done = await Promise.all(attempts);
    await until(async () => (await world.liveUsers()).every((name) => before.has(name)), {
      what: 'all users to be gone',
    });
    for (const { run, outcome } of done) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'run_closed' });
      await until(async () => {
        const { items } = await broker.leases.list({ run: run.runRef, limit: 10 });
        return items.every(({ state }) => state === 'revoked');
      });
    }
  });

  it('is told apart from a grant that was suspended', async () => {
    const { broker, mounts } = world;
    const run = await world.openRun();
    broker.source.around.read = { after: async () => void (await broker.grants.suspend(admin, run.grantId)) };
    const asked = broker.issue.issue(run, { credential: mounts.names.database }, workerOf(run));
    await expect(asked).rejects.toMatchObject({ code: 'grant_not_active' });
    await broker.revoker.idle();
  });
});

describe('an idempotency key', () => {
  it('ends the earlier lease, with proof, before there is another', async () => {
    const { broker, mounts } = world;
    const run = await world.openRun();
    const wanted = { credential: mounts.names.database, idempotencyKey: 'one' };
    const first = await broker.issue.issue(run, wanted, workerOf(run));
    const second = await broker.issue.issue(run, wanted, workerOf(run));
    expect(second.lease.id).not.toBe(first.lease.id);
    expect(await broker.leases.get(first.lease.id)).toMatchObject({
      state: 'revoked',
      revokeCause: 'superseded',
      proof: 'lease_gone+accessor_revoked',
    });
    expect(await world.canLogIn(first.credential?.expose() ?? {})).toBe(false);
    expect(await world.canLogIn(second.credential?.expose() ?? {})).toBe(true);
  });

  it('is refused for another credential, and belongs to its run', async () => {
    const { broker, mounts } = world;
    const run = await world.openRun();
    const other = await world.openRunOf(run);
    const wanted = { credential: mounts.names.kv, idempotencyKey: 'two' };
    const { lease } = await broker.issue.issue(run, wanted, workerOf(run));
    await expect(
      broker.issue.issue(run, { ...wanted, credential: mounts.names.pki }, workerOf(run)),
    ).rejects.toMatchObject({ code: 'idempotency_key_reused' });
    await broker.issue.issue(other, wanted, workerOf(other));
    expect((await broker.leases.get(lease.id)).state).toBe('active');
  });

  it('never has two live leases, however many ask at once', async () => {
    const { broker, mounts } = world;
    const run = await world.openRun();
    const wanted = { credential: mounts.names.database, idempotencyKey: 'three' };
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, () => broker.issue.issue(run, wanted, workerOf(run))),
    );
    const { won, codes } = settled(outcomes);
    expect(won).toBeGreaterThanOrEqual(1);
    for (const code of codes)
      expect(['lease_in_progress', 'conflict', 'credential_unavailable']).toContain(code);
    const { items } = await broker.leases.list({ run: run.runRef, state: 'active', limit: 10 });
    expect(items).toHaveLength(1);
  });
});
