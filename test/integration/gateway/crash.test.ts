import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CrashPoint } from '../../../src/kernel/crash-point.js';
import { until } from '../../support/until.js';
import { GatewayWorld } from './gateway-world.js';

/** What a kill at each point leaves: the row of the call, and whether the provider saw the request. */
const POINTS: readonly {
  readonly point: CrashPoint;
  readonly row: 'open' | 'ended' | undefined;
  readonly seen: number;
}[] = [
  { point: 'call.decided', row: undefined, seen: 0 },
  { point: 'call.started', row: 'open', seen: 0 },
  { point: 'call.injected', row: 'open', seen: 0 },
  { point: 'call.answered', row: 'open', seen: 1 },
  { point: 'call.ended', row: 'ended', seen: 1 },
];

let world: GatewayWorld;

beforeAll(async () => {
  // No jobs: what a kill leaves stays there until the last test starts a broker that does them.
  world = await GatewayWorld.start({
    mode: 'process',
    settings: { roles: ['api', 'gateway'], vault: { timeoutMs: 3_000 } },
  });
  world.upstream.json('GET', '/orders', { ok: true });
  await world.tools({
    name: 'orders',
    timeout_ms: 5_000,
    cost: { by: 'call', micros: 5 },
    limits: { budgets: [{ per: 'tool', max_micros: 1_000 }] },
  });
  await world.runWith('crashes', ['orders']);
}, 240_000);
afterAll(() => world.stop());

describe('a broker that is killed', () => {
  it.each(POINTS)(
    'at $point leaves what it should',
    async ({ point, row, seen }) => {
      await world.broker.restart({ env: { LEASEGATE_CRASH_AT: point } });
      const token = await world.runToken('crashes', { runId: point });
      const before = world.upstream.requests.length;
      // The answer may be on its way when the end of the call is on disk; before that there is none.
      const call = world.call(token, 'orders');
      if (row === 'ended') await call.catch(() => undefined);
      else await expect(call).rejects.toThrow();
      expect(await world.broker.broker.exited).toBe('SIGKILL');
      expect(world.upstream.requests.length - before).toBe(seen);
      const rows = await world.broker.query<{ state: string }>('SELECT state FROM calls WHERE run_id = $1', [
        point,
      ]);
      expect(rows.map(({ state }) => state)).toEqual(row === undefined ? [] : [row]);
    },
    240_000,
  );

  it('leaves nothing without an end, once there is a broker again', async () => {
    await world.broker.restart({
      env: { LEASEGATE_CRASH_AT: '' },
      settings: { roles: ['api', 'gateway', 'scheduler', 'sequencer'] },
    });
    await until(
      async () => (await world.broker.query(`SELECT 1 FROM calls WHERE state = 'open'`)).length === 0,
      {
        deadlineMs: 200_000,
        what: 'the end of every call',
      },
    );
    const outcomes = await world.broker.query<{ run_id: string; outcome: string; cost: number }>(
      'SELECT run_id, outcome, cost_micros::int AS cost FROM calls ORDER BY run_id',
    );
    // What was set aside for a call of which nobody knows stays spent.
    expect(outcomes).toEqual([
      { run_id: 'call.answered', outcome: 'unknown', cost: 5 },
      { run_id: 'call.ended', outcome: 'success', cost: 5 },
      { run_id: 'call.injected', outcome: 'unknown', cost: 5 },
      { run_id: 'call.started', outcome: 'unknown', cost: 5 },
    ]);
    const events = await world.events(8, () => true);
    for (const { point, row } of POINTS) {
      const of = events.filter(({ run }) => run?.run_id === point);
      expect(of.map(({ kind }) => kind)).toEqual(row === undefined ? [] : ['call.started', 'call.ended']);
      if (row === 'open') expect(of[1]).toMatchObject({ outcome: 'failure', data: { result: 'unknown' } });
    }
    expect(events).toHaveLength(8);
  }, 400_000);
});
