import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../../support/until.js';
import { AdmissionParts, limitsOf } from './admission-parts.js';

let parts: AdmissionParts;
let about: { runRef: string; grantId: string; tool: string };
let nth = 0;

beforeAll(async () => {
  parts = await AdmissionParts.open();
});
afterAll(() => parts.stop());

beforeEach(async () => {
  nth += 1;
  const grantId = await parts.grant(`grant-${nth}`);
  await parts.tool(`tool-${nth}`);
  about = { grantId, runRef: await parts.run(grantId, 'run-1'), tool: `tool-${nth}` };
});

async function rowsOf(callId: string): Promise<{ calls: number; events: number }> {
  const [row] = await parts.query<{ calls: number; events: number }>(
    `SELECT (SELECT count(*)::int FROM calls WHERE id = $1::uuid) AS calls,
       (SELECT count(*)::int FROM audit_inbox WHERE convert_from(leaf, 'UTF8')::jsonb->'data'->>'call_id' = $1::text) AS events`,
    [callId],
  );
  return row ?? { calls: -1, events: -1 };
}

describe('a call is refused, and nothing of it is written,', () => {
  const GRANT = 'UPDATE grants SET';
  const cases: readonly [string, string, string][] = [
    [
      'when its run has ended',
      'run_closed',
      `UPDATE runs SET state = 'closed', ended_at = now() WHERE id = $2`,
    ],
    [
      'when its run is past its deadline',
      'run_closed',
      `UPDATE runs SET opened_at = now() - interval '2 h', deadline = now() - interval '1 s' WHERE id = $2`,
    ],
    ['when its grant is suspended', 'grant_not_active', `${GRANT} state = 'suspended' WHERE id = $1`],
    [
      'when its grant is past its end',
      'grant_not_active',
      `${GRANT} expires_at = now() - interval '1 s' WHERE id = $1`,
    ],
    ['when its grant has another version', 'grant_changed', `${GRANT} version = 2 WHERE id = $1`],
    ['when its tool is disabled', 'tool_changed', 'UPDATE tools SET enabled = false WHERE name = $3'],
  ];
  test.each(cases)('%s', async (_, code, change) => {
    const values = [about.grantId, about.runRef, about.tool];
    // Every parameter has to appear in the statement.
    await parts.query(`WITH named AS (SELECT $1::uuid, $2::uuid, $3::text) ${change}`, values);
    const call = parts.request(about);
    await expect(parts.own.admission.admit(call)).rejects.toMatchObject({ code });
    expect(await rowsOf(call.callId)).toEqual({ calls: 0, events: 0 });
  });

  test('when its tool or grant is none', async () => {
    const unknown = parts.request({ ...about, tool: 'no-such-tool' });
    await expect(parts.own.admission.admit(unknown)).rejects.toMatchObject({ code: 'tool_changed' });
    const other = await parts.grant(`other-${nth}`);
    const foreign = parts.request({ ...about, grantId: other });
    await expect(parts.own.admission.admit(foreign)).rejects.toMatchObject({ code: 'grant_not_active' });
  });

  test.each([
    [
      'budget_exhausted',
      402,
      'budget/grant/total',
      limitsOf({ budgets: [{ per: 'grant', max_micros: 15, window: 'total' }] }),
    ],
    ['rate_limited', 429, 'calls/run/60', limitsOf({ calls: [{ per: 'run', max: 1, window_seconds: 60 }] })],
    ['concurrency_limited', 429, 'concurrent/tool', limitsOf({ concurrent: [{ per: 'tool', max: 1 }] })],
    [
      'bytes_limited',
      429,
      'bytes/workload/60',
      limitsOf({ bytes: [{ per: 'workload', max: 150, window_seconds: 60 }] }),
    ],
  ])('with %s (%i) by limit %s', async (code, status, name, limits) => {
    await parts.own.admission.admit(parts.request(about, { limits, reserveMicros: 10 }));
    const call = parts.request(about, { limits, reserveMicros: 10 });
    const refused = parts.own.admission.admit(call);
    await expect(refused).rejects.toMatchObject({
      code,
      status,
      detail: expect.stringContaining(name) as string,
    });
    const stand = await refused.catch((error: unknown) => (error as { limits?: unknown }).limits);
    expect(stand).toMatchObject([{ name }]);
    expect(await rowsOf(call.callId)).toEqual({ calls: 0, events: 0 });
  });

  test('also when others of its group are let through', async () => {
    const good = [1, 2, 3].map(() => parts.request(about));
    const bad = parts.request(about, { stepId: 'x'.repeat(300) });
    const again = parts.request(about, { event: good[0]?.event ?? bad.event });
    const outcomes = await Promise.allSettled(
      [good[0], bad, good[1], again, good[2]].map((call) => parts.own.admission.admit(call ?? bad)),
    );
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    for (const { callId } of good) expect(await rowsOf(callId)).toMatchObject({ calls: 1 });
    expect(await rowsOf(bad.callId)).toEqual({ calls: 0, events: 0 });
  });
});

describe('without a database', () => {
  test('nothing is let through', async () => {
    const replica = await parts.replica();
    await replica.stop();
    await expect(replica.admission.admit(parts.request(about))).rejects.toMatchObject({
      code: 'limits_unavailable',
      status: 503,
      retryAfterSeconds: 2,
    });
  });

  test('a call whose connection is cut is refused, and the next one gets another', async () => {
    const replica = await parts.replica({ poolSize: 2 });
    const pids = await replica.transactions.reads.query<{ pid: number }[]>('SELECT pg_backend_pid() AS pid');
    const limits = limitsOf({ calls: [{ per: 'tool', max: 9, window_seconds: 60 }] });
    await parts.own.admission.admit(parts.request(about, { limits }));
    const lock = parts.own.transactions.run(async (tx) => {
      await tx.query(`SELECT 1 FROM limit_states WHERE name LIKE '%/' || $1 || '/%' FOR UPDATE`, [
        about.tool,
      ]);
      const waiting = replica.admission
        .admit(parts.request(about, { limits }))
        .catch((error: unknown) => error);
      // Cut before it waits, it would be a connection that the pool replaces.
      await until(async () => {
        const [backend] = await parts.query<{ wait: string | null }>(
          'SELECT wait_event_type AS wait FROM pg_stat_activity WHERE pid = $1',
          [pids[0]?.pid],
        );
        return backend?.wait === 'Lock';
      });
      await tx.query('SELECT pg_terminate_backend($1)', [pids[0]?.pid]);
      return waiting;
    });
    expect(await lock).toMatchObject({ code: 'limits_unavailable' });
    expect(await replica.admission.admit(parts.request(about))).toMatchObject({ limits: [] });
  });
});

describe('while somebody changes a grant', () => {
  test.each([
    ['refused, when that takes long', 0],
    ['let through when it is done', 0.3],
  ])('its calls wait and are %s; those of others do not wait', async (_, seconds) => {
    const grantId = await parts.grant(`busy-${nth}`);
    const busy = { grantId, runRef: await parts.run(grantId, 'run-1'), tool: about.tool };
    const answer = await parts.own.transactions.run(async (tx) => {
      await tx.query('SELECT 1 FROM grants WHERE id = $1 FOR UPDATE', [grantId]);
      const waiting = parts.own.admission.admit(parts.request(busy)).catch((error: unknown) => error);
      const others = Array.from({ length: 20 }, () => parts.own.admission.admit(parts.request(about)));
      expect(await Promise.all(others)).toHaveLength(20);
      if (seconds === 0) return waiting;
      await tx.query('SELECT pg_sleep($1)', [seconds]);
      return { waiting };
    });
    if (seconds === 0) expect(answer).toMatchObject({ code: 'overloaded', retryAfterSeconds: 1 });
    else expect(await (answer as { waiting: Promise<unknown> }).waiting).toMatchObject({ limits: [] });
  });
});

describe('a call that is let through', () => {
  test('is written with its event, and ended with another', async () => {
    const request = parts.request(about, {
      limits: limitsOf({
        calls: [{ per: 'run', max: 2, window_seconds: 60 }],
        bytes: [{ per: 'grant', max: 1_000, window_seconds: 60 }],
        concurrent: [{ per: 'tool', max: 3 }],
        budgets: [{ per: 'run', max_micros: 100, window: 'total' }],
      }),
      reserveMicros: 10,
      stepId: 'step "1" \\ {NULL}, ü',
    });
    const admitted = await parts.own.admission.admit(request);
    expect(admitted.limits).toEqual([
      { name: 'budget/run/total', limit: 100, remaining: 90, resetSeconds: 0, windowSeconds: 0 },
      { name: 'calls/run/60', limit: 2, remaining: 1, resetSeconds: 60, windowSeconds: 60 },
      { name: 'concurrent/tool', limit: 3, remaining: 2, resetSeconds: 0, windowSeconds: 0 },
      { name: 'bytes/grant/60', limit: 1_000, remaining: 900, resetSeconds: 60, windowSeconds: 60 },
    ]);
    const units = { tokens: 3, 'odd "unit"': 1.5 };
    await parts.own.admission.complete(parts.completion(request.callId, { costMicros: 7, units }));
    const [row] = await parts.query<Record<string, unknown>>('SELECT * FROM calls WHERE id = $1', [
      request.callId,
    ]);
    expect(row).toMatchObject({
      state: 'ended',
      outcome: 'success',
      cost_micros: '7',
      units,
      step_id: request.stepId,
    });
    expect(row).toMatchObject({ run_id: 'run-1', subject: 'jobs/test', started_at: admitted.startedAt });
    const states = await parts.query<Record<string, unknown>>(
      `SELECT kind, total, reserved FROM limit_states WHERE name LIKE '%/' || $1 || '/%' ORDER BY kind`,
      [about.tool],
    );
    expect(states).toEqual([
      { kind: 'budget', total: '7', reserved: '0' },
      { kind: 'bytes', total: '300', reserved: '0' },
      { kind: 'calls', total: '1', reserved: '0' },
      { kind: 'concurrent', total: '0', reserved: '0' },
    ]);
    const events = await parts.query<{ leaf: Buffer }>('SELECT leaf FROM audit_inbox WHERE event_id = $1', [
      request.event.id,
    ]);
    expect(events[0]?.leaf.equals(request.event.leaf)).toBe(true);
    expect(await rowsOf(request.callId)).toEqual({ calls: 1, events: 2 });
  });

  test('is never changed after its end, and not removed before it', async () => {
    const call = parts.request(about);
    await parts.own.admission.admit(call);
    await expect(parts.query('DELETE FROM calls WHERE id = $1', [call.callId])).rejects.toThrow(
      'append-only',
    );
    await expect(
      parts.query(`UPDATE calls SET tool = 'other' WHERE id = $1`, [call.callId]),
    ).rejects.toThrow();
    await parts.own.admission.complete(parts.completion(call.callId));
    await expect(
      parts.query('UPDATE calls SET cost_micros = 1 WHERE id = $1', [call.callId]),
    ).rejects.toThrow('append-only');
  });
});
