import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AdmissionRequest } from '../../../../src/gateway/admission/admission-request.js';
import type { GroupVerdict } from '../../../../src/gateway/admission/admission-statements.js';
import type { ToolLimits } from '../../../../src/gateway/tool/tool-spec.js';
import { AdmissionParts, limitsOf, type Replica } from './admission-parts.js';
import { LimitModel, type ModelVerdict } from './limit-model.js';

const START_MS = Date.UTC(2026, 4, 1, 23, 59, 0);

let parts: AdmissionParts;
let replicas: readonly Replica[];
let nth = 0;

beforeAll(async () => {
  parts = await AdmissionParts.open();
  replicas = [parts.own, await parts.replica(), await parts.replica()];
});
afterAll(() => parts.stop());

const per = fc.constantFrom('run' as const, 'grant' as const, 'workload' as const, 'tool' as const);
const anyLimits: fc.Arbitrary<ToolLimits> = fc
  .record({
    calls: fc.array(
      fc.record({ per, max: fc.integer({ min: 1, max: 6 }), window_seconds: fc.constantFrom(1, 5, 30) }),
      { maxLength: 3 },
    ),
    concurrent: fc.array(fc.record({ per, max: fc.integer({ min: 1, max: 4 }) }), { maxLength: 2 }),
    bytes: fc.array(
      fc.record({ per, max: fc.integer({ min: 50, max: 600 }), window_seconds: fc.constantFrom(2, 20) }),
      { maxLength: 2 },
    ),
    budgets: fc.array(
      fc.record({
        per: fc.constantFrom('run' as const, 'grant' as const, 'tool' as const),
        max_micros: fc.integer({ min: 0, max: 120 }),
        window: fc.constantFrom('day' as const, 'run' as const, 'total' as const),
      }),
      { maxLength: 2 },
    ),
  })
  // Two limits on the same figure are one limit; what becomes of that is not the question here.
  .map((limits) =>
    limitsOf({
      calls: distinct(limits.calls, (limit) => `${limit.per}/${limit.window_seconds}`),
      concurrent: distinct(limits.concurrent, (limit) => limit.per),
      bytes: distinct(limits.bytes, (limit) => `${limit.per}/${limit.window_seconds}`),
      budgets: distinct(limits.budgets, (limit) => `${limit.per}/${limit.window}`),
    }),
  );

const anyCall = fc.record({
  run: fc.integer({ min: 0, max: 3 }),
  reserveMicros: fc.constantFrom(0, 5, 30),
  requestBytes: fc.constantFrom(0, 10, 120),
});
const anyStep = fc.record({
  replica: fc.integer({ min: 0, max: 2 }),
  passesMs: fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 0, max: 2_500 }) },
    { weight: 2, arbitrary: fc.constantFrom(1_000, 5_000, 20_000, 30_000) },
    { weight: 1, arbitrary: fc.constantFrom(-10, -1_500, -12_000) },
  ),
  group: fc.array(anyCall, { minLength: 1, maxLength: 5 }),
  ends: fc.array(
    fc.record({
      which: fc.nat(),
      costMicros: fc.constantFrom(0, 4, 40),
      responseBytes: fc.constantFrom(0, 30, 200),
    }),
    { maxLength: 3 },
  ),
});

test('every verdict is that of the model, whichever replica decides and however its clock steps', async () => {
  let decided = 0;
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(anyLimits, fc.array(anyStep, { minLength: 3, maxLength: 14 }), async (limits, steps) => {
      nth += 1;
      const tool = `tool-${nth}`;
      await parts.tool(tool);
      const grants = [await parts.grant(`grant-${nth}-a`), await parts.grant(`grant-${nth}-b`)];
      const runs = await Promise.all(
        [0, 1, 2, 3].map(async (run) => {
          const grantId = grants[run % 2] ?? '';
          const subject = `jobs/${run >> 1}`;
          return { grantId, subject, runRef: await parts.run(grantId, `run-${run}`, subject) };
        }),
      );
      const model = new LimitModel(limits);
      let atMs = START_MS;
      for (const step of steps) {
        atMs += step.passesMs;
        const at = new Date(atMs);
        const { statements } = replicas[step.replica] ?? parts.own;
        const requests = step.group.map(({ run, reserveMicros, requestBytes }) => {
          const about = runs[run] ?? { grantId: '', subject: '', runRef: '' };
          return parts.request(
            { ...about, tool },
            { subject: about.subject, limits, reserveMicros, requestBytes },
          );
        });
        const expected = requests.map((request) => model.admit(request.callId, request, atMs));
        const answered = await statements.admit(requests, at);
        requests.forEach((_, index) =>
          expect(shown(answered, index, requests)).toEqual(rounded(expected[index])),
        );
        decided += expected.length;
        refused += expected.filter((verdict) => verdict?.ok === false).length;

        const open = model.open;
        const ends = distinct(step.ends, ({ which }) => which % Math.max(1, open.length)).slice(
          0,
          open.length,
        );
        const completions = ends.map(({ which, costMicros, responseBytes }) =>
          parts.completion(open[which % open.length] ?? '', { costMicros, responseBytes }),
        );
        // Bytes that end together are counted in any order, at one time.
        for (const { callId, costMicros, responseBytes } of completions)
          model.end(callId, costMicros, responseBytes, atMs);
        if (completions.length > 0) await statements.complete(completions, at);
      }
      const [row] = await parts.query<{ open: string }>(
        `SELECT count(*) AS open FROM calls WHERE tool = $1 AND state = 'open'`,
        [tool],
      );
      expect(Number(row?.open)).toBe(model.open.length);
    }),
    { numRuns: 60, seed: 4 },
  );
  expect(refused).toBeGreaterThan(decided / 10);
  expect(refused).toBeLessThan(decided * 0.9);
}, 240_000);

function shown(
  { plan, verdicts }: GroupVerdict,
  index: number,
  requests: readonly AdmissionRequest[],
): unknown {
  const verdict = verdicts[index];
  expect(requests[index]).toBeDefined();
  if (verdict?.kind === 'ok') {
    const remaining = plan.rulesAt(index).map(({ rule }, place) => rule.max - (verdict.used[place] ?? 0));
    return { ok: true, remaining };
  }
  if (verdict?.kind !== 'limited') return verdict;
  const rule = plan.ruleOf(verdict.place);
  const windowed = rule?.kind === 'calls' || rule?.kind === 'bytes';
  return { ok: false, kind: rule?.kind, retryMs: windowed ? Math.round(verdict.retryMs) : undefined };
}

function rounded(verdict: ModelVerdict | undefined): unknown {
  if (verdict?.ok !== false || verdict.retryMs === undefined) return verdict;
  return { ...verdict, retryMs: Math.round(verdict.retryMs) };
}

function distinct<T>(items: readonly T[], key: (item: T) => unknown): T[] {
  return [...new Map(items.map((item) => [key(item), item])).values()];
}
