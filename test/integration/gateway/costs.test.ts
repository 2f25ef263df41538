import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ToolSpecInput } from '../../../src/gateway/tool/tool-spec.js';
import { until } from '../../support/until.js';
import { fieldsOf, GatewayWorld } from './gateway-world.js';

const TODAY = new Date().toISOString().slice(0, 10);
const TOMORROW = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
const OLD_DAY = '2026-01-15';
const PRICED: ToolSpecInput['cost'] = {
  by: 'response',
  reserve_micros: 90_000,
  of: '/model',
  units: [
    { name: 'input', pointer: '/usage/input', prices: [{ from: '2025-01-01', micros_per_unit: 2 }] },
    { name: 'output', pointer: '/usage/output', prices: [{ from: '2025-01-01', micros_per_unit: 10 }] },
  ],
};

let world: GatewayWorld;
let token: string;

beforeAll(async () => {
  world = await GatewayWorld.start();
  const { upstream, broker } = world;
  upstream.json('GET', '/chat', { model: 'm', usage: { input: 1_000, output: 50 } });
  upstream.json('GET', '/silent', { model: 'm' });
  upstream.json('GET', '/flat', {});
  upstream.on('GET', '/stream', (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: {"usage":{"input":7,"output":1}}\n\n');
    response.end('data: {"usage":{"output":3}}\n\ndata: [DONE]\n\n');
  });
  await world.tools(
    { name: 'chat', cost: PRICED },
    { name: 'silent', cost: PRICED },
    { name: 'flat', cost: { by: 'call', micros: 1_500 } },
    { name: 'stream', cost: PRICED, response: { stream: true } },
  );
  token = await world.runWith('costs', ['chat', 'silent', 'flat', 'stream'], { runId: 'run-a' });
  await world.call(token, 'chat', {}, { step_id: 'one' });
  await world.call(token, 'chat', {}, { step_id: 'two' });
  await world.call(token, 'flat', {}, { step_id: 'two' });
  await world.call(token, 'stream', {}, { step_id: 'two', headers: { accept: 'text/event-stream' } });
  const other = await world.runToken('costs', { runId: 'run-b' });
  await world.call(other, 'silent');
  await until(
    async () => (await world.broker.query('SELECT 1 FROM calls WHERE state = $1', ['ended'])).length === 5,
    {
      what: 'five calls that have ended',
    },
  );
  // What is left of older calls after their retention.
  await broker.query(
    `INSERT INTO call_sums (day, run_ref, run_id, step_id, grant_id, issuer, subject, tool, outcome, calls, request_bytes,
       response_bytes, cost_micros, units)
     SELECT $1, '00000000-0000-7000-8000-000000000001', 'run-old', 's', id, 'https://issuer.example', 'old', 'chat', o.outcome, 3, 30, 300, 4000,
       '{"input": 20, "images": 1.5}' FROM grants, unnest(ARRAY['success', 'unknown']) AS o (outcome) WHERE name = 'costs'`,
    [OLD_DAY],
  );
}, 240_000);
afterAll(() => world.stop());

const RANGE = `from=2026-01-01&to=${TOMORROW}`;

async function items(path: string): Promise<Record<string, unknown>[]> {
  const answer = await world.admin('GET', path);
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
  return fieldsOf(answer)['items'] as Record<string, unknown>[];
}

async function upload(
  type: string,
  text: string,
  roles = ['operator'],
  query = '',
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${world.broker.baseUrl}/v1/costs/imports${query}`, {
    method: 'POST',
    headers: { 'content-type': type, authorization: `Bearer ${await world.broker.adminToken(roles)}` },
    body: text,
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe('refused', () => {
  it('costs without a role, a grouping, or days in order', async () => {
    expect(await world.broker.call('GET', '/v1/costs?by=tool', { token })).toMatchObject({ status: 401 });
    const approver = await world.broker.adminToken(['approver']);
    expect(await world.broker.call('GET', '/v1/costs?by=tool', { token: approver })).toMatchObject({
      status: 403,
    });
    for (const query of ['', 'by=colour', 'by=day&from=yesterday', 'by=day&from=2026-02-02&to=2026-02-02'])
      expect(await world.admin('GET', `/v1/costs?${query}`), query).toMatchObject({
        status: 422,
        body: { code: 'request_invalid' },
      });
    expect(await world.admin('GET', '/v1/costs?by=day&from=1990-01-01')).toMatchObject({ status: 422 });
    expect(await world.admin('GET', '/v1/costs?by=day&cursor=nonsense')).toMatchObject({ status: 422 });
  });

  it.each([
    ['application/json', '{}', 415],
    ['text/plain', 'day', 415],
    ['text/csv', '', 422],
    ['text/csv', 'day,key,amount_micros,source', 422],
    ['text/csv', 'day,key,amount_micros,source\n2026-01-15,provider,1', 422],
    ['text/csv', 'day,key,amount_micros,source\n2026-01-15,"provider,1,openai', 422],
    ['text/csv', 'day,key,amount_micros,source,colour\n2026-01-15,provider,1,openai,red', 422],
    ['text/csv', 'day,key,amount_micros,source\n2026-01-15,provider,-1,openai', 422],
    ['text/csv', 'day,key,amount_micros,source\n15.1.2026,provider,1,openai', 422],
    ['application/x-ndjson', '{"day":"2026-01-15","key":"provider","amount_micros":1}', 422],
    ['application/x-ndjson', '{"day":"2026-01-15"', 422],
    ['application/x-ndjson', '[]', 422],
    [
      'application/x-ndjson',
      '{"day":"2026-01-15","key":"k","amount_micros":1,"source":"x"}\n{"day":"2026-01-15","key":"k","amount_micros":2,"source":"x"}',
      422,
    ],
  ])('usage as %s that is not as it should be: %s', async (type, text, status) => {
    expect((await upload(type, text)).status).toBe(status);
    expect(await world.broker.query('SELECT 1 FROM provider_usage')).toEqual([]);
  });

  it('usage from an auditor, and what is too large', async () => {
    expect((await upload('text/csv', 'day', ['auditor'])).status).toBe(403);
    expect((await upload('text/csv', 'x'.repeat(4_194_305))).status).toBe(413);
  });
});

describe('costs', () => {
  it('by tool, of answers, streams and sums of old calls', async () => {
    expect(await items(`/v1/costs?by=tool&${RANGE}`)).toEqual([
      expect.objectContaining({
        tool: 'chat',
        calls: 8,
        unknown_calls: 3,
        cost_micros: 2 * 2_500 + 2 * 4_000,
        units: { input: 2_040, output: 100, images: 3 },
      }),
      expect.objectContaining({ tool: 'flat', calls: 1, cost_micros: 1_500, units: {} }),
      expect.objectContaining({ tool: 'silent', calls: 1, cost_micros: 90_000, units: {} }),
      expect.objectContaining({
        tool: 'stream',
        cost_micros: 7 * 2 + 3 * 10,
        units: { input: 7, output: 3 },
      }),
    ]);
  });

  it('by run, step, grant, workload and day', async () => {
    const runs = await items(`/v1/costs?by=run&${RANGE}`);
    expect(runs.map(({ run, calls }) => [(run as { run_id: string }).run_id, calls]).sort()).toEqual([
      ['run-a', 4],
      ['run-b', 1],
      ['run-old', 6],
    ]);
    const steps = await items(`/v1/costs?by=step&${RANGE}&run=run-a`);
    expect(steps.map(({ step_id: step, cost_micros: micros }) => [step, micros])).toEqual([
      ['one', 2_500],
      ['two', 2_500 + 1_500 + 44],
    ]);
    const grants = await items(`/v1/costs?by=grant&${RANGE}&grant=costs`);
    expect(grants).toMatchObject([{ grant: { name: 'costs' }, calls: 11 }]);
    const workloads = await items(`/v1/costs?by=workload&${RANGE}`);
    expect(workloads.map(({ workload }) => (workload as { subject: string }).subject).sort()).toEqual([
      'jobs/nightly-orders/costs',
      'old',
    ]);
    const days = await items(`/v1/costs?by=day&${RANGE}`);
    expect(days.map(({ day, calls }) => [day, calls])).toEqual([
      [OLD_DAY, 6],
      [TODAY, 5],
    ]);
    expect(await items(`/v1/costs?by=day&tool=flat`)).toMatchObject([{ day: TODAY, cost_micros: 1_500 }]);
    expect(await items(`/v1/costs?by=day&from=2026-01-16&to=2026-01-17`)).toEqual([]);
  });

  it('page by page', async () => {
    const seen: unknown[] = [];
    let cursor: unknown = '';
    do {
      const page = await world.admin('GET', `/v1/costs?by=tool&${RANGE}&limit=1${cursor as string}`);
      const { items: found, next_cursor: next } = fieldsOf(page) as {
        items: { tool: string }[];
        next_cursor: string | null;
      };
      seen.push(...found.map(({ tool }) => tool));
      cursor = next === null ? null : `&cursor=${encodeURIComponent(next)}`;
    } while (cursor !== null);
    expect(seen).toEqual(['chat', 'flat', 'silent', 'stream']);
  });

  it('as CSV', async () => {
    const answer = await world.admin('GET', `/v1/costs?by=step&${RANGE}&run=run-a&limit=1`, undefined, {
      accept: 'text/csv, */*;q=0.1',
    });
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    const lines = (answer.body as string).trimEnd().split('\r\n');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toBe(
      'run_id,run_ref,step_id,calls,unknown_calls,cost_micros,request_bytes,response_bytes,units',
    );
    expect(lines[1]).toMatch(/^run-a,[0-9a-f-]{36},one,1,0,2500,/);
  });

  it('of the own run, for a worker', async () => {
    const answer = await world.broker.call('GET', '/v1/runs/self/costs', { token });
    expect(answer).toMatchObject({
      status: 200,
      body: { calls: 4, cost_micros: 6_544, tools: [{ tool: 'chat' }, { tool: 'flat' }, { tool: 'stream' }] },
    });
  });
});

describe("a provider's usage", () => {
  const CSV = [
    '\uFEFFday,project,amount_micros,source,units.input',
    `${OLD_DAY},provider,8100,openai,40`,
    `2026-01-16,provider,500000,openai,`,
    `2026-01-16,"other, key",20000,openai,1.5`,
    `${TODAY},provider,900000,openai,`,
  ].join('\r\n');

  it('is compared with what we sent, and each difference is an event, once', async () => {
    expect(await upload('text/csv; charset=utf-8', CSV)).toEqual({
      status: 200,
      body: { rows: 4, changed: 4, differences: 2 },
    });
    expect((await upload('text/csv', CSV)).body).toEqual({ rows: 4, changed: 0, differences: 0 });
    const corrected = `{"day":"2026-01-16","key":"provider","amount_micros":600000}`;
    const again = await upload('application/x-ndjson', corrected, ['admin'], '?source=openai');
    expect(again.body).toEqual({ rows: 1, changed: 1, differences: 1 });
    const events = await until(
      async () => {
        const rows = await world.broker.query<{ leaf: Buffer }>(
          `SELECT leaf FROM audit_entry WHERE kind LIKE 'cost.%' ORDER BY idx`,
        );
        return rows.length >= 6
          ? rows.map(({ leaf }) => JSON.parse(leaf.toString()) as { kind: string; data: unknown })
          : undefined;
      },
      { what: 'the events' },
    );
    expect(events?.filter(({ kind }) => kind === 'cost.difference_found').map(({ data }) => data)).toEqual([
      {
        day: '2026-01-16',
        key: 'other, key',
        source: 'openai',
        ours_micros: 0,
        theirs_micros: 20_000,
        difference_micros: 20_000,
      },
      expect.objectContaining({ key: 'provider', theirs_micros: 500_000, ours_micros: 0 }),
      expect.objectContaining({ key: 'provider', theirs_micros: 600_000, ours_micros: 0 }),
    ]);
    expect(events?.[0]).toMatchObject({
      kind: 'cost.usage_imported',
      data: { sources: ['openai'], rows: 4, changed: 4, first_day: OLD_DAY, last_day: TODAY },
    });
  });

  it('is listed beside our sums, day by day and key by key', async () => {
    const rows = await items(`/v1/costs/reconciliation?${RANGE}`);
    expect(rows).toEqual([
      {
        day: OLD_DAY,
        key: 'provider',
        source: 'openai',
        state: 'match',
        calls: 6,
        ours_micros: 8_000,
        theirs_micros: 8_100,
        difference_micros: 100,
      },
      expect.objectContaining({ day: '2026-01-16', key: 'other, key', state: 'difference', ours_micros: 0 }),
      expect.objectContaining({ day: '2026-01-16', key: 'provider', theirs_micros: 600_000 }),
      expect.objectContaining({ day: TODAY, key: 'provider', ours_micros: 96_544, state: 'difference' }),
    ]);
    expect(await items(`/v1/costs/reconciliation?${RANGE}&limit=2`)).toEqual(rows.slice(0, 2));
    const page = await world.admin('GET', `/v1/costs/reconciliation?${RANGE}&limit=3`);
    const cursor = String(fieldsOf(page)['next_cursor']);
    expect(await items(`/v1/costs/reconciliation?${RANGE}&cursor=${cursor}`)).toEqual(rows.slice(3));
  });

  it('is for the key that the label of a credential names', async () => {
    const { body, headers } = await world.admin('GET', '/v1/credentials/provider');
    const { name, kind, mount, path, deliveries } = body as Record<string, unknown>;
    const labels = { 'provider-key': 'proj_1' };
    const changed = { name, kind, mount, path, deliveries, labels };
    const done = await world.admin('PUT', '/v1/credentials/provider', changed, {
      'if-match': headers.get('etag'),
    });
    expect(done.status).toBe(200);
    const rows = await items(`/v1/costs/reconciliation?from=${TODAY}&to=${TOMORROW}`);
    expect(rows).toEqual([
      expect.objectContaining({
        key: 'proj_1',
        ours_micros: 96_544,
        state: 'unreported',
        theirs_micros: null,
      }),
      expect.objectContaining({ key: 'provider', ours_micros: 0, theirs_micros: 900_000 }),
    ]);
  });
});
