import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CallRetention } from '../../../../src/gateway/admission/call-retention.js';
import { OpenCalls } from '../../../../src/gateway/admission/open-calls.js';
import { UnknownCalls } from '../../../../src/gateway/admission/unknown-calls.js';
import { BrokerError } from '../../../../src/kernel/broker-error.js';
import { ManualClock } from '../../../../src/kernel/clock.js';
import { SilentLog } from '../../../../src/kernel/log.js';
import { until } from '../../../support/until.js';
import { AdmissionParts, limitsOf, type Replica } from './admission-parts.js';

const DAY_MS = 86_400_000;

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

function unknownCalls({ transactions, statements }: Replica, aheadMs: number): UnknownCalls {
  const clock = new ManualClock(new Date(parts.clock.now().getTime() + aheadMs));
  return new UnknownCalls(transactions, statements, parts.audit, clock, parts.ids);
}

describe('calls that nobody ended', () => {
  const limits = limitsOf({
    concurrent: [{ per: 'tool', max: 10 }],
    budgets: [{ per: 'grant', max_micros: 1_000, window: 'total' }],
  });

  test('are left alone until a while after their deadline', async () => {
    const call = parts.request(about, { deadline: new Date(parts.clock.now().getTime() + 1_000) });
    await parts.own.admission.admit(call);
    expect(await unknownCalls(parts.own, 60_000).reconcile(100)).toBe(0);
    expect(await unknownCalls(parts.own, 62_000).reconcile(100)).toBe(1);
  });

  test('are ended once as unknown, at the price that was set aside, however many replicas look', async () => {
    const calls = Array.from({ length: 6 }, () => parts.request(about, { limits, reserveMicros: 40 }));
    await Promise.all(calls.map((call) => parts.own.admission.admit(call)));
    await parts.own.admission.complete(parts.completion(calls[0]?.callId ?? '', { costMicros: 3 }));
    const replicas = [parts.own, await parts.replica(), await parts.replica()];
    const ended = await Promise.all(replicas.map((replica) => unknownCalls(replica, DAY_MS).reconcile(100)));
    expect(ended.reduce((sum, count) => sum + count, 0)).toBe(5);

    const states = await parts.query(
      `SELECT kind, total, reserved FROM limit_states WHERE name LIKE '%/' || $1 || '/%' ORDER BY kind`,
      [about.tool],
    );
    expect(states).toEqual([
      { kind: 'budget', total: String(5 * 40 + 3), reserved: '0' },
      { kind: 'concurrent', total: '0', reserved: '0' },
    ]);
    const events = await parts.query<{ event: Record<string, unknown> }>(
      `SELECT convert_from(leaf, 'UTF8')::jsonb AS event FROM audit_inbox
       WHERE convert_from(leaf, 'UTF8')::jsonb->'data'->>'result' = 'unknown'
         AND convert_from(leaf, 'UTF8')::jsonb->'tool'->>'name' = $1`,
      [about.tool],
    );
    expect(events).toHaveLength(5);
    expect(events[0]?.event).toMatchObject({ kind: 'call.ended', outcome: 'failure', step_id: 'step-1' });

    // The replica was alive after all: its end comes too late, and changes nothing.
    await parts.own.admission.complete(parts.completion(calls[1]?.callId ?? '', { costMicros: 1 }));
    const [row] = await parts.query('SELECT outcome, cost_micros FROM calls WHERE id = $1', [
      calls[1]?.callId,
    ]);
    expect(row).toEqual({ outcome: 'unknown', cost_micros: '40' });
  });
});

describe('after its time', () => {
  test('a call is dropped, what it cost stays, and one that is open stays altogether', async () => {
    const at = [0, 1_000, 2 * DAY_MS, 4 * DAY_MS].map((ms) => new Date(Date.UTC(2026, 2, 1, 12) + ms));
    const { statements, transactions } = parts.own;
    const calls = at.map(() => parts.request(about));
    for (const [index, call] of calls.entries()) {
      await statements.admit([call], at[index]);
      const ended = { costMicros: 5 + index, units: { tokens: 10, odd: index } };
      if (index < 3) await statements.complete([parts.completion(call.callId, ended)], at[index]);
    }
    const sums = `SELECT day::text, sum(calls)::int AS calls, sum(cost_micros)::int AS cost, sum((units->>'tokens')::int)::int AS tokens
      FROM call_costs WHERE tool = $1 GROUP BY day ORDER BY day`;
    const before = await parts.query(sums, [about.tool]);
    expect(before).toHaveLength(2);
    const retention = (ms: number): CallRetention =>
      new CallRetention(transactions, parts.audit, parts.settings, new ManualClock(new Date(ms)), parts.ids);
    // One at a time, so that sums are added to sums; 90 days after the second.
    while ((await retention(Date.UTC(2026, 2, 1, 13) + 90 * DAY_MS).foldCalls(1)) > 0);
    const left = await parts.query<{ id: string }>('SELECT id FROM calls WHERE tool = $1 ORDER BY id', [
      about.tool,
    ]);
    expect(left.map(({ id }) => id).sort()).toEqual([calls[2]?.callId, calls[3]?.callId].sort());
    expect(await parts.query(sums, [about.tool])).toEqual(before);
    while ((await retention(Date.UTC(2027, 2, 1)).foldCalls(100)) > 0);
    expect(await parts.query(sums, [about.tool])).toEqual(before);
    expect(
      await parts.query('SELECT calls, units FROM call_sums WHERE tool = $1 ORDER BY day', [about.tool]),
    ).toEqual([
      { calls: '2', units: { tokens: 20, odd: 1 } },
      { calls: '1', units: { tokens: 10, odd: 2 } },
    ]);
    expect(await parts.query('SELECT state FROM calls WHERE tool = $1', [about.tool])).toEqual([
      { state: 'open' },
    ]);
  });

  test('counts that no limit looks at are dropped, and those that still matter are not', async () => {
    const limits = limitsOf({
      calls: [{ per: 'run', max: 5, window_seconds: 60 }],
      concurrent: [{ per: 'run', max: 5 }],
      budgets: [
        { per: 'grant', max_micros: 100, window: 'total' },
        { per: 'grant', max_micros: 100, window: 'day' },
      ],
    });
    const { statements, transactions } = parts.own;
    const at = new Date(Date.UTC(2026, 2, 1, 12));
    const open = parts.request(about, { limits, reserveMicros: 10 });
    await statements.admit([open], at);
    const drop = async (ms: number): Promise<number> => {
      const clock = new ManualClock(new Date(at.getTime() + ms));
      return new CallRetention(transactions, parts.audit, parts.settings, clock, parts.ids).dropCounts(100);
    };
    expect(await drop(60_000)).toBe(0);
    expect(await drop(300 * DAY_MS)).toBe(2);
    const kinds = (): Promise<unknown> =>
      parts.query(`SELECT kind FROM limit_states WHERE name LIKE '%/' || $1 || '/%' ORDER BY kind`, [
        about.tool,
      ]);
    expect(await kinds()).toEqual([{ kind: 'budget' }, { kind: 'budget' }, { kind: 'concurrent' }]);
    await statements.complete([parts.completion(open.callId)], at);
    await drop(300 * DAY_MS);
    expect(await kinds()).toEqual([{ kind: 'budget' }]);
    const again = await statements.admit(
      [parts.request(about, { limits })],
      new Date(at.getTime() + 300 * DAY_MS),
    );
    expect(again.verdicts[0]).toMatchObject({ kind: 'ok', used: [0, 0, 1, 1] });
  });
});

describe('open calls', () => {
  async function watched(): Promise<{ open: OpenCalls; signal: AbortSignal; bystander: AbortSignal }> {
    const open = new OpenCalls(parts.own.transactions, parts.clock, new SilentLog());
    const grantId = await parts.grant(`bystander-${nth}`);
    const [watched, bystander] = [new AbortController(), new AbortController()];
    const runRef = await parts.run(grantId, 'run-1');
    const credential = `provider-${nth}`;
    await parts.query(
      `INSERT INTO credentials (name, kind, mount, path, deliveries, default_ttl_seconds, max_ttl_seconds, revocable, created_at, created_by, updated_at)
       VALUES ($1, 'kv', 'kv', 'provider', '{gateway}', 60, 60, false, now(), 'alice', now())`,
      [credential],
    );
    open.watch('call-2', { runRef, grantId, credential: undefined }, (reason) => bystander.abort(reason));
    open.watch('call-1', { ...about, credential }, (reason) => watched.abort(reason));
    return { open, signal: watched.signal, bystander: bystander.signal };
  }

  test.each([
    [
      'run_closed',
      'ends',
      `UPDATE runs SET state = 'revoked', ended_at = now() WHERE id = $1`,
      'runRef' as const,
    ],
    [
      'grant_not_active',
      'is suspended',
      `UPDATE grants SET state = 'suspended' WHERE id = $1`,
      'grantId' as const,
    ],
    [
      'credential_disabled',
      'loses its credential',
      `UPDATE credentials SET enabled = false WHERE name = 'provider-' || $1`,
      'nth' as const,
    ],
  ])('are cut off with %s within a second when it %s', async (code, _, change, which) => {
    const { open, signal, bystander } = await watched();
    await parts.query(change, [which === 'nth' ? String(nth) : about[which]]);
    const changed = performance.now();
    await until(() => signal.aborted);
    expect(performance.now() - changed).toBeLessThan(1_000);
    expect(signal.reason).toBeInstanceOf(BrokerError);
    expect(signal.reason).toMatchObject({ code });
    expect(bystander.aborted).toBe(false);
    expect(open.size).toBe(1);
    open.done('call-2');
    expect(open.size).toBe(0);
    open.onApplicationShutdown();
  });

  test('are cut off when the lease that they were sent with is revoked, and not when its time is up', async () => {
    const open = new OpenCalls(parts.own.transactions, parts.clock, new SilentLog());
    const [revoked, expired] = [await gatewayLease('admin'), await gatewayLease('expiry')];
    const cut: string[] = [];
    // As with a call that departs: its lease is known after it is watched.
    const ground: { runRef: string; grantId: string; credential: undefined; leaseId?: string } = {
      ...about,
      credential: undefined,
    };
    open.watch('without', { ...about, credential: undefined }, () => cut.push('without'));
    open.watch('expired', { ...about, credential: undefined, leaseId: expired }, () => cut.push('expired'));
    open.watch('revoked', ground, (reason) => cut.push(reason.code));
    ground.leaseId = revoked;
    await until(() => cut.length > 0);
    expect(cut).toEqual(['lease_not_active']);
    expect(open.size).toBe(2);
    open.onApplicationShutdown();
  });
});

/** A lease of the gateway that is being revoked. */
async function gatewayLease(cause: string): Promise<string> {
  const id = parts.ids.uuid();
  await parts.query(
    `INSERT INTO credentials (name, kind, mount, path, deliveries, default_ttl_seconds, max_ttl_seconds, revocable, created_at, created_by, updated_at)
     VALUES ('provider', 'kv', 'kv', 'provider', '{gateway}', 60, 60, false, now(), 'alice', now()) ON CONFLICT DO NOTHING`,
  );
  await parts.query(
    `INSERT INTO leases (id, run_ref, step_id, grant_id, grant_version, credential, credential_version, kind, mount, delivery, state,
       revocable, accessor, revoke_cause, next_attempt_at, requested_at, expires_at, max_expires_at)
     VALUES ($1, $2, 'step', $3, 1, 'provider', 1, 'kv', 'kv', 'gateway', 'revoking', false, $5, $4, now(), now(), now(), now())`,
    [id, about.runRef, about.grantId, cause, `accessor-${id}`],
  );
  return id;
}
