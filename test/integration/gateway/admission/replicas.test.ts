import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BrokerError, hasCode } from '../../../../src/kernel/broker-error.js';
import type { AdmissionRequest, Admitted } from '../../../../src/gateway/admission/admission-request.js';
import type { ToolLimits } from '../../../../src/gateway/tool/tool-spec.js';
import { until } from '../../../support/until.js';
import { AdmissionParts, limitsOf, type Replica } from './admission-parts.js';

let parts: AdmissionParts;
let replicas: Replica[];
let nth = 0;
let grantId: string;
let tool: string;
let runs: string[];

beforeAll(async () => {
  parts = await AdmissionParts.open();
  replicas = [parts.own, await parts.replica(), await parts.replica()];
});
afterAll(() => parts.stop());

beforeEach(async () => {
  nth += 1;
  tool = `tool-${nth}`;
  await parts.tool(tool);
  grantId = await parts.grant(`grant-${nth}`);
  runs = await Promise.all(Array.from({ length: 6 }, (_, run) => parts.run(grantId, `run-${run}`)));
});

describe('three replicas at once', () => {
  test('let as many calls through as the window allows, and not one more', async () => {
    const limits = limitsOf({
      calls: [
        { per: 'grant', max: 70, window_seconds: 600 },
        { per: 'run', max: 15, window_seconds: 600 },
      ],
    });
    const { admitted, refusals } = await flood(300, limits);
    expect(admitted).toHaveLength(70);
    expect(new Set(refusals.map(({ code }) => code))).toEqual(new Set(['rate_limited']));
    for (const { retryAfterSeconds } of refusals) expect(retryAfterSeconds).toBeGreaterThan(590);
    const perRun = await parts.query<{ calls: string }>(
      'SELECT count(*) AS calls FROM calls WHERE tool = $1 GROUP BY run_ref',
      [tool],
    );
    for (const { calls } of perRun) expect(Number(calls)).toBeLessThanOrEqual(15);
  });

  test('slide the window exactly: no two moments a window apart have more between them than it allows', async () => {
    const limits = limitsOf({ calls: [{ per: 'grant', max: 5, window_seconds: 1 }] });
    const end = Date.now() + 3_500;
    let refused = 0;
    await Promise.all(
      replicas.flatMap((replica) =>
        [0, 1, 2].map(async (run) => {
          while (Date.now() < end) {
            const admitted = await attempt(replica, request(runs[run], limits));
            if (admitted instanceof BrokerError) refused += 1;
          }
        }),
      ),
    );
    const rows = await parts.query<{ within: string; total: string }>(
      `SELECT max(within) AS within, count(*) AS total FROM (
         SELECT count(*) OVER (ORDER BY started_at RANGE BETWEEN '999.999 milliseconds' PRECEDING AND CURRENT ROW) AS within
         FROM calls WHERE tool = $1) counted`,
      [tool],
    );
    expect(Number(rows[0]?.within)).toBe(5);
    expect(Number(rows[0]?.total)).toBeGreaterThanOrEqual(15);
    expect(Number(rows[0]?.total)).toBeLessThanOrEqual(20);
    expect(refused).toBeGreaterThan(50);
  });

  test('share open calls and money, and give both back', async () => {
    const limits = limitsOf({
      concurrent: [{ per: 'tool', max: 20 }],
      budgets: [{ per: 'grant', max_micros: 1_000, window: 'total' }],
    });
    const first = await flood(120, limits, 10);
    expect(first.admitted).toHaveLength(20);
    await Promise.all(
      first.calls.map(({ callId }, index) =>
        (replicas[index % 3] ?? parts.own).admission.complete(parts.completion(callId, { costMicros: 45 })),
      ),
    );
    expect(await state('concurrent')).toMatchObject({ total: '0' });
    expect(await state('budget')).toMatchObject({ total: '900', reserved: '0' });
    const second = await flood(60, limits, 10);
    expect(second.admitted).toHaveLength(10);
    expect(new Set(second.refusals.map(({ code }) => code))).toEqual(new Set(['budget_exhausted']));
  });

  test('end a call once, whoever ends it', async () => {
    const { calls } = await flood(40, limitsOf({ concurrent: [{ per: 'run', max: 100 }] }));
    await Promise.all(
      [...calls, ...calls.toReversed(), ...calls].map(({ callId }, index) =>
        (replicas[index % 3] ?? parts.own).admission.complete(parts.completion(callId)),
      ),
    );
    const [row] = await parts.query<{ open: string }>(
      `SELECT sum(total) AS open FROM limit_states WHERE name LIKE '%' || $1 || '%' AND kind = 'concurrent'`,
      [`/${tool}/`],
    );
    expect(row?.open).toBe('0');
    const events = await parts.query<{ ended: string }>(
      `SELECT count(*) AS ended FROM audit_inbox WHERE convert_from(leaf, 'UTF8')::jsonb->>'kind' = 'call.ended'
         AND convert_from(leaf, 'UTF8')::jsonb->'data'->>'call_id' = ANY($1)`,
      [calls.map(({ callId }) => callId)],
    );
    expect(events[0]?.ended).toBe('40');
  });

  test('let nothing through any more once the end of a run has been committed', async () => {
    const limits = limitsOf({ calls: [{ per: 'run', max: 1_000_000, window_seconds: 60 }] });
    const count = async (): Promise<number> => {
      const [row] = await parts.query<{ calls: string }>(
        'SELECT count(*) AS calls FROM calls WHERE run_ref = $1',
        [runs[0]],
      );
      return Number(row?.calls);
    };
    let stop = false;
    const busy = replicas.map(async (replica) => {
      while (!stop)
        await Promise.all(Array.from({ length: 8 }, () => attempt(replica, request(runs[0], limits))));
    });
    await until(async () => (await count()) > 0);
    await parts.query(
      `UPDATE runs SET state = 'closed', ended_at = now(), end_cause = 'run_closed' WHERE id = $1`,
      [runs[0]],
    );
    const atTheEnd = await count();
    await parts.query('SELECT pg_sleep(0.3)');
    stop = true;
    await Promise.all(busy);
    expect(atTheEnd).toBeGreaterThan(0);
    expect(await count()).toBe(atTheEnd);
    await expect(parts.own.admission.admit(request(runs[0], limits))).rejects.toMatchObject({
      code: 'run_closed',
    });
  });

  test('never wait for each other, however their groups are mixed', async () => {
    const others = await Promise.all(
      Array.from({ length: 5 }, async (_, index) => {
        const grant = await parts.grant(`grant-${nth}-${index}`);
        return { grantId: grant, runRef: await parts.run(grant, 'run-1') };
      }),
    );
    const limits = limitsOf({
      calls: [
        { per: 'run', max: 1_000_000, window_seconds: 60 },
        { per: 'tool', max: 1_000_000, window_seconds: 60 },
      ],
      concurrent: [{ per: 'grant', max: 1_000_000 }],
      bytes: [{ per: 'grant', max: 1_000_000_000, window_seconds: 60 }],
    });
    await Promise.all(
      replicas.map(async (replica) => {
        for (let round = 0; round < 12; round += 1) {
          const calls = [...others, ...others.toReversed(), ...others].map((other) =>
            parts.request({ ...other, tool }, { limits }),
          );
          await Promise.all(calls.map((call) => replica.admission.admit(call)));
          await Promise.all(calls.map(({ callId }) => replica.admission.complete(parts.completion(callId))));
        }
      }),
    );
    const rows = await parts.query<{ kind: string; total: string }>(
      `SELECT kind, sum(total) AS total FROM limit_states WHERE name LIKE '%/' || $1 || '/%' GROUP BY kind ORDER BY kind`,
      [tool],
    );
    expect(rows).toEqual([
      { kind: 'bytes', total: String(540 * 300) },
      { kind: 'calls', total: String(2 * 540) },
      { kind: 'concurrent', total: '0' },
    ]);
  });
});

describe('a replica that is started again', () => {
  test('goes on with what was counted before', async () => {
    const limits = limitsOf({ calls: [{ per: 'run', max: 9, window_seconds: 600 }] });
    let admitted = 0;
    for (let round = 0; round < 4; round += 1) {
      const replica = await parts.replica();
      const answers = await Promise.all(
        Array.from({ length: 4 }, () => attempt(replica, request(runs[1], limits))),
      );
      admitted += answers.filter((answer) => !(answer instanceof BrokerError)).length;
      await replica.stop();
    }
    expect(admitted).toBe(9);
  });
});

function request(runRef: string | undefined, limits: ToolLimits, reserveMicros = 0): AdmissionRequest {
  return parts.request({ runRef: runRef ?? '', grantId, tool }, { limits, reserveMicros });
}

async function attempt(replica: Replica, asked: AdmissionRequest): Promise<Admitted | BrokerError> {
  try {
    return await replica.admission.admit(asked);
  } catch (error) {
    if (error instanceof BrokerError && !hasCode(error, 'limits_unavailable')) return error;
    throw error;
  }
}

/** Many calls at once, spread over replicas and runs. */
async function flood(
  count: number,
  limits: ToolLimits,
  reserveMicros = 0,
): Promise<{ calls: AdmissionRequest[]; admitted: Admitted[]; refusals: BrokerError[] }> {
  const asked = Array.from({ length: count }, (_, index) =>
    request(runs[index % runs.length], limits, reserveMicros),
  );
  const answers = await Promise.all(
    asked.map((call, index) => attempt(replicas[index % 3] ?? parts.own, call)),
  );
  return {
    calls: asked.filter((_, index) => !(answers[index] instanceof BrokerError)),
    admitted: answers.filter((answer): answer is Admitted => !(answer instanceof BrokerError)),
    refusals: answers.filter((answer): answer is BrokerError => answer instanceof BrokerError),
  };
}

async function state(kind: string): Promise<Record<string, string> | undefined> {
  const [row] = await parts.query<Record<string, string>>(
    `SELECT total, reserved FROM limit_states WHERE kind = $1 AND name LIKE '%/' || $2 || '/%'`,
    [kind, tool],
  );
  return row;
}
