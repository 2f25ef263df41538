import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemCaller } from '../../../src/kernel/caller.js';
import { Marking } from '../../../src/lease/kill/marking.js';
import type { ApiAnswer } from '../../support/api-call.js';
import { until } from '../../support/until.js';
import { startWorld, type World } from '../../support/world.js';

/** More than the act that ends a run marks by itself, which is {@link FIRST}. */
const LEASES = 20;
const FIRST = 16;
const ENDED = { deadlineMs: 60_000, what: 'the end of every lease' };

async function leased(world: World, runId: string, count: number): Promise<string> {
  const token = await world.runToken({ runId });
  for (let made = 0; made < count; made += 1) {
    const body = { credential: 'orders-readonly' };
    const answer = await world.call('POST', '/v1/leases', { token, body });
    expect(answer.status).toBe(201);
  }
  return token;
}

const close = (world: World, token: string): Promise<ApiAnswer> =>
  world.call('DELETE', '/v1/runs/self', { token });

/** Leases of a run in each state. */
async function statesOf(world: World, runId: string): Promise<Readonly<Record<string, number>>> {
  const rows = await world.query<{ state: string; count: number }>(
    `SELECT l.state, count(*)::int AS count FROM leases l JOIN runs r ON r.id = l.run_ref
     WHERE r.run_id = $1 GROUP BY 1`,
    [runId],
  );
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
}

/** How many events of a kind the leases of a run have, and how many of the leases have one. */
async function eventsOf(world: World, runId: string, kind: string): Promise<unknown> {
  const [row] = await world.query(
    `SELECT count(*)::int AS events, count(DISTINCT e.lease_id)::int AS leases FROM audit_entry e
     JOIN leases l ON l.id = e.lease_id JOIN runs r ON r.id = l.run_ref WHERE r.run_id = $1 AND e.kind = $2`,
    [runId, kind],
  );
  return row;
}

async function expectOneOfEach(world: World, runId: string): Promise<void> {
  const one = JSON.stringify({ events: LEASES, leases: LEASES });
  for (const kind of ['lease.revocation_requested', 'lease.ended'])
    await until(async () => JSON.stringify(await eventsOf(world, runId, kind)) === one, {
      what: `one ${kind} of each lease`,
    });
}

describe('a run with more leases than its end marks by itself', () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld();
  }, 240_000);
  afterAll(() => world.stop());

  it('is answered when all of them are proved dead, each marked and ended once', async () => {
    const token = await leased(world, 'many', LEASES);
    const { status, body } = await close(world, token);
    expect(status).toBe(200);
    expect(body).toMatchObject({ leases: LEASES, proved: LEASES, outstanding: 0 });
    expect(await world.targetUsers()).toEqual([]);
    await expectOneOfEach(world, 'many');
    const { revocation } = body as { revocation: string };
    const watched = await world.call('GET', `/v1/revocations/${revocation}`, {
      token: await world.adminToken(),
    });
    expect(watched.body).toMatchObject({ state: 'done', leases: LEASES, proved: LEASES });
  }, 120_000);

  it('is not touched by a replica that wakes up when others have done it', async () => {
    const token = await leased(world, 'late', LEASES);
    const { body } = await close(world, token);
    const { revocation } = body as { revocation: string };
    const rows = await world.query<{ id: string }>(
      `SELECT l.id FROM leases l JOIN runs r ON r.id = l.run_ref WHERE r.run_id = 'late'`,
    );
    const leaseIds = rows.map(({ id }) => id);
    const order = { cause: 'run_closed', caller: systemCaller('test', revocation) } as const;
    expect(
      await world.app.nest.get(Marking, { strict: false }).markBehind(revocation, leaseIds, order),
    ).toEqual([]);
    const left = 'SELECT 1 FROM revocation_leases WHERE revocation_id = $1';
    expect(await world.query(left, [revocation])).toEqual([]);
    await expectOneOfEach(world, 'late');
  }, 120_000);

  it('does not wait for one that was ending before, and waits for its next attempt', async () => {
    const token = await leased(world, 'ending', LEASES);
    const [before] = await world.query<{ id: string }>(
      `UPDATE leases SET state = 'revoking', revoke_cause = 'released', revoke_requested_at = now(),
         next_attempt_at = now() + interval '1 hour'
       WHERE id = (SELECT l.id FROM leases l JOIN runs r ON r.id = l.run_ref WHERE r.run_id = 'ending' LIMIT 1)
       RETURNING id`,
    );
    const closed = close(world, token);
    // Claims that nobody works on would run out after 30 s.
    await until(async () => (await statesOf(world, 'ending'))['revoked'] === LEASES - 1, {
      deadlineMs: 20_000,
      what: 'the end of the others',
    });
    const retried = await world.call('POST', `/v1/leases/${before?.id}/retry`, {
      token: await world.adminToken(),
    });
    expect(retried.status).toBeLessThan(300);
    expect((await closed).body).toMatchObject({ proved: LEASES, outstanding: 0 });
  }, 120_000);

  it('leaves all of them marked and alive while revocation is held', async () => {
    const token = await leased(world, 'held', LEASES);
    const admin = await world.adminToken();
    const held = await world.call('POST', '/v1/hold', { token: admin, body: { reason: 'test' } });
    expect(held.status).toBeLessThan(300);
    const closed = close(world, token);
    await until(async () => (await statesOf(world, 'held'))['revoking'] === LEASES);
    expect(await world.targetUsers()).toHaveLength(LEASES);
    const released = await world.call('POST', '/v1/hold/release', { token: admin, body: { reason: 'test' } });
    expect(released.status).toBeLessThan(300);
    await until(async () => (await statesOf(world, 'held'))['revoked'] === LEASES, ENDED);
    expect((await closed).status).toBe(200);
    await expectOneOfEach(world, 'held');
  }, 120_000);
});

describe('a replica that is killed', () => {
  let world: World;
  afterEach(() => world.stop());

  it.each([
    { point: 'run.close.committed', left: { active: LEASES - FIRST, revoking: FIRST } },
    { point: 'revocation.marked', left: undefined },
  ])(
    'at $point leaves what another marks and ends, each once',
    async ({ point, left }) => {
      world = await startWorld({
        mode: 'process',
        env: { LEASEGATE_CRASH_AT: `${point}:kill` },
        settings: { leases: { claimSeconds: 5 } },
      });
      const token = await leased(world, 'killed', LEASES);
      await expect(close(world, token)).rejects.toThrow();
      await world.broker.exited;
      if (left !== undefined) expect(await statesOf(world, 'killed')).toEqual(left);
      await world.restart({ env: {} });
      await until(async () => (await statesOf(world, 'killed'))['revoked'] === LEASES, ENDED);
      expect(await world.targetUsers()).toEqual([]);
      await expectOneOfEach(world, 'killed');
      await until(
        async () => (await world.query(`SELECT 1 FROM revocations WHERE state <> 'done'`)).length === 0,
        ENDED,
      );
    },
    240_000,
  );
});
