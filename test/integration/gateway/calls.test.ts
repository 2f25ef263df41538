import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LeasegateClient } from '../../../src/sdk/leasegate-client.js';
import { until } from '../../support/until.js';
import { fieldsOf, GatewayWorld } from './gateway-world.js';

const CARD = '4111 1111 1111 1111';
const text = { type: 'string' };

let world: GatewayWorld;
let token: string;

beforeAll(async () => {
  world = await GatewayWorld.start();
  const { upstream, key } = world;
  upstream.json('GET', '/orders', { orders: [{ id: 7 }] });
  upstream.json('GET', '/big', { big: 9007199254740993n.toString(), fill: 'x'.repeat(2_000) });
  upstream.json('POST', '/notes', { ok: true });
  upstream.json('GET', '/typed', { ok: 'yes' });
  upstream.json('GET', '/missing', { error: 'no such thing' }, 404);
  upstream.on('GET', '/exact', (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"id": 9007199254740993}');
  });
  upstream.on('GET', '/echo', (_, response) => {
    response
      .writeHead(200, {
        'content-type': 'application/json',
        'x-used': key,
        'set-cookie': 'a=b',
        'x-hidden': '1',
      })
      .end(JSON.stringify({ you_sent: `Bearer ${key}`, in64: Buffer.from(key).toString('base64') }));
  });
  upstream.on('GET', '/slow', () => undefined);
  const limits = { calls: [{ per: 'run' as const, max: 2, window_seconds: 60 }] };
  const once = { by: 'call' as const, micros: 10 };
  await world.tools(
    {
      name: 'orders',
      parameters: { query: { page: { schema: { type: 'integer', minimum: 1 } }, q: { schema: text } } },
    },
    { name: 'not-granted', path: '/orders' },
    {
      name: 'notes',
      method: 'POST',
      parameters: { body: { schema: { type: 'object', properties: { text } } } },
    },
    { name: 'limited', path: '/orders', limits },
    { name: 'budgeted', path: '/orders', cost: once, limits: { budgets: [{ per: 'run', max_micros: 25 }] } },
    { name: 'outside', path: '/orders', internal: false },
    { name: 'untrusted', path: '/orders', ca_file: undefined },
    { name: 'short', path: '/big', response: { max_bytes: 1_000 } },
    { name: 'echo', response: { headers: ['x-used'] } },
    { name: 'echo-blocked', path: '/echo', scrub: { response: 'block' } },
    { name: 'typed', response: { schema: { type: 'object', properties: { ok: { type: 'boolean' } } } } },
    { name: 'slow', timeout_ms: 300 },
    { name: 'hangs', path: '/slow' },
    { name: 'missing' },
    { name: 'exact', cost: once },
  );
  const granted = ['orders', 'notes', 'limited', 'budgeted', 'outside', 'untrusted', 'short', 'echo'];
  granted.push('echo-blocked', 'typed', 'slow', 'hangs', 'missing', 'exact');
  token = await world.runWith('nightly', granted);
}, 240_000);
afterAll(() => world.stop());

/** The code with which a call was refused. */
async function codeOf(tool: string, args = {}, more = {}): Promise<unknown> {
  return fieldsOf(await world.call(token, tool, args, more))['code'];
}

describe('a call without a run', () => {
  it('is refused and recorded, whatever is shown instead of a run token', async () => {
    const post = (headers: Readonly<Record<string, string>>): Promise<unknown> =>
      world.broker
        .call('POST', '/v1/tools/orders/call', { body: {}, headers })
        .then((answer) => [answer.status, fieldsOf(answer)['code']]);
    const refused = [400, 'run_identity_missing'];
    expect(await post({})).toEqual(refused);
    expect(await post({ authorization: 'Bearer sk-a-key-of-some-provider' })).toEqual(refused);
    expect(await post({ 'x-api-key': 'sk-ant-a-key-of-some-provider' })).toEqual(refused);
    expect(await post({ authorization: `Bearer ${await world.broker.workerToken()}` })).toEqual(refused);
    expect(await codeOf('orders', {}, { step_id: '' })).toBe('run_identity_missing');
    const events = await world.events(5, ({ code }) => code === 'run_identity_missing');
    expect(events).toHaveLength(5);
    for (const event of events)
      expect(event).toMatchObject({
        kind: 'call.refused',
        outcome: 'refused',
        tool: { name: 'orders' },
        data: { check: 'run_identity', route: 'POST /v1/tools/:name/call' },
      });
    // A token of ours that is forged is not taken for somebody who goes around.
    const forged = `${token.slice(0, -6)}AAAAAA`;
    expect(await post({ authorization: `Bearer ${forged}` })).toEqual([401, 'run_token_invalid']);
    expect(world.upstream.requests).toHaveLength(0);
  });
});

describe('a call that is refused before it starts', () => {
  it.each([
    ['tool_not_granted', 'nothing-of-this-name', {}],
    ['tool_not_granted', 'not-granted', {}],
    ['parameter_unknown', 'orders', { query: { other: 1 } }],
    ['parameter_unknown', 'orders', { header: { 'x-other': 'a' } }],
    ['parameter_unknown', 'orders', { body: {} }],
    ['parameter_refused', 'orders', { query: { page: 0 } }],
    ['request_blocked', 'orders', { query: { q: CARD } }],
    ['request_blocked', 'notes', { body: { text: `pay with ${CARD}` } }],
  ])('%s: %s %j', async (code, tool, args) => {
    const sent = world.upstream.requests.length;
    const answer = await world.call(token, tool, args);
    expect(fieldsOf(answer)['code']).toBe(code);
    expect(JSON.stringify(answer.body)).not.toContain('4111');
    const [event] = await world.events(1, ({ data }) => data['route'] !== undefined);
    expect(event).toBeDefined();
    expect(world.upstream.requests).toHaveLength(sent);
  });

  it('leaves one event each that says which check it was, and nothing of the value', async () => {
    const events = await world.events(
      9,
      ({ kind, code }) => kind === 'call.refused' && code !== 'run_identity_missing',
    );
    const blocked = events.filter(({ code }) => code === 'request_blocked');
    expect(blocked).toHaveLength(2);
    for (const { data } of blocked) expect(data).toMatchObject({ check: 'request_scrub' });
    expect(JSON.stringify(events)).not.toContain('4111');
    expect(new Set(events.map(({ data }) => data['check']))).toEqual(
      new Set(['run_identity', 'tool_allowed', 'parameters', 'request_scrub']),
    );
  });

  it('by a limit, which its headers have announced', async () => {
    const first = await world.call(token, 'limited');
    expect(first.headers.get('ratelimit')).toBe('"calls/run/60";r=1;t=60');
    expect(first.headers.get('ratelimit-policy')).toContain('"calls/run/60";q=2');
    expect((await world.call(token, 'limited')).status).toBe(200);
    const third = await world.call(token, 'limited');
    expect([third.status, fieldsOf(third)['code']]).toEqual([429, 'rate_limited']);
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(50);
    expect(third.headers.get('ratelimit')).toMatch(/^"calls\/run\/60";r=0;t=\d+$/);
  });

  it('by a budget, with what was spent before', async () => {
    for (const micros of [10, 10])
      expect((await world.call(token, 'budgeted')).body).toMatchObject({ cost: { micros } });
    expect(await codeOf('budgeted')).toBe('budget_exhausted');
  });
});

describe('a call that started', () => {
  it.each([
    ['destination_refused', 'outside', 'refused'],
    ['upstream_tls_refused', 'untrusted', 'failure'],
    ['response_too_large', 'short', 'refused'],
    ['response_blocked', 'echo-blocked', 'refused'],
    ['tool_response_refused', 'typed', 'refused'],
    ['upstream_timeout', 'slow', 'unknown'],
  ])('and fails with %s: %s', async (code, tool, result) => {
    const answer = await world.call(token, tool);
    expect(fieldsOf(answer)['code']).toBe(code);
    expect(JSON.stringify(answer.body)).not.toContain(world.key);
    const [ended] = await world.events(
      1,
      (event) => event.kind === 'call.ended' && event.tool?.name === tool,
    );
    expect(ended).toMatchObject({ code, data: { result } });
    const [row] = await world.broker.query(`SELECT state, outcome, code FROM calls WHERE tool = $1`, [tool]);
    expect(row).toEqual({ state: 'ended', outcome: result, code });
  });

  it('was on disk before its request left', async () => {
    let onDisk: unknown;
    world.upstream.on('GET', '/orders', async (_, response) => {
      const rows = await world.broker.query<{ leaf: Buffer }>(
        `SELECT leaf FROM audit_inbox UNION ALL SELECT leaf FROM audit_entry WHERE kind = 'call.started'`,
      );
      onDisk = rows
        .map(({ leaf }) => JSON.parse(leaf.toString('utf8')) as { kind: string; step_id: string })
        .some((event) => event.kind === 'call.started' && event.step_id === 'step-before');
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"orders":[{"id":7}]}');
    });
    expect((await world.call(token, 'orders', {}, { step_id: 'step-before' })).status).toBe(200);
    expect(onDisk).toBe(true);
  });

  it('and whose caller hangs up ends at the provider, too', async () => {
    const abort = new AbortController();
    const open = world.upstream.openConnections;
    const url = new URL('/v1/tools/hangs/call', world.broker.baseUrl);
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const call = fetch(url, { method: 'POST', headers, body: '{}', signal: abort.signal });
    const seen = world.upstream.requests.length;
    await until(() => world.upstream.requests.length > seen);
    abort.abort();
    await expect(call).rejects.toThrow();
    const [ended] = await world.events(
      1,
      ({ kind, tool }) => kind === 'call.ended' && tool?.name === 'hangs',
    );
    expect(ended).toMatchObject({ code: 'call_cancelled', data: { result: 'unknown' } });
    await until(() => world.upstream.openConnections <= open);
  });
});

describe('a call that succeeds', () => {
  it('brings the answer of the provider, who saw the key that the worker never had', async () => {
    const answer = await world.call(token, 'orders', { query: { page: 2 } }, { step_id: 'step-ok' });
    const { id } = fieldsOf(answer)['call'] as { id: string };
    expect(answer.body).toMatchObject({
      call: { tool: 'orders', tool_version: 1 },
      response: { status: 200, encoding: 'json', body: { orders: [{ id: 7 }] } },
      findings: [],
      cost: { micros: 0, units: {} },
    });
    expect(answer.headers.get('leasegate-call')).toBe(id);
    const seen = world.upstream.requests.at(-1);
    expect(seen?.path).toBe('/orders?page=2');
    expect(seen?.headers['authorization']).toBe(`Bearer ${world.key}`);
    const [started, ended] = await world.events(2, ({ data }) => data['call_id'] === id);
    expect(started).toMatchObject({
      kind: 'call.started',
      step_id: 'step-ok',
      tool: { name: 'orders', version: 1 },
    });
    expect(ended).toMatchObject({
      kind: 'call.ended',
      outcome: 'success',
      data: { result: 'success', status: 200 },
    });
    const record = await world.admin('GET', `/v1/calls/${id}`);
    expect(record.body).toMatchObject({
      id,
      step_id: 'step-ok',
      state: 'ended',
      outcome: 'success',
      status: 200,
    });
    const list = await world.admin('GET', '/v1/calls?tool=orders&step=step-ok&limit=1');
    expect(list.body).toMatchObject({ items: [{ id }], next_cursor: null });
    const events = await world.admin('GET', '/v1/audit/events?tool=orders&kind=call.ended');
    expect((fieldsOf(events)['items'] as unknown[]).length).toBeGreaterThan(0);
  });

  it('never shows the key, wherever the provider put it', async () => {
    const answer = await world.call(token, 'echo');
    const body = JSON.stringify([answer.body, [...answer.headers]]);
    expect(body).not.toContain(world.key);
    expect(body).not.toContain(Buffer.from(world.key).toString('base64'));
    expect(answer.body).toMatchObject({
      response: {
        body: { you_sent: expect.stringContaining('[redacted:credential]') as unknown },
        headers: { 'x-used': '[redacted:credential]' },
      },
    });
    expect(JSON.stringify(fieldsOf(answer)['response'])).not.toMatch(/x-hidden|set-cookie/);
    expect(fieldsOf(answer)['findings']).toContainEqual({
      kind: 'credential',
      count: expect.any(Number) as unknown,
    });
  });

  it('keeps what the provider said: statuses, and numbers that a double cannot hold', async () => {
    expect((await world.call(token, 'missing')).body).toMatchObject({
      response: { status: 404, body: { error: 'no such thing' } },
    });
    const url = new URL('/v1/tools/exact/call', world.broker.baseUrl);
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const raw = await (await fetch(url, { method: 'POST', headers, body: '{}' })).text();
    expect(raw).toContain('"body":{"id": 9007199254740993}');
    expect(raw).toContain('"cost":{"micros":10,"units":{}}');
  });

  it('can be made with the SDK, which repeats nothing whose answer was lost', async () => {
    const client = new LeasegateClient({ url: world.broker.baseUrl, runToken: token });
    const { response, cost } = await client.callTool<{ orders: unknown[] }>('orders', { query: { page: 1 } });
    expect([response.status, response.body.orders.length, cost.micros]).toEqual([200, 1, 0]);
    await expect(client.callTool('nothing-of-this-name')).rejects.toMatchObject({ code: 'tool_not_granted' });
    const impatient = new LeasegateClient({ url: world.broker.baseUrl, runToken: token, timeoutMs: 3_000 });
    const before = world.upstream.requests.length;
    await expect(impatient.callTool('hangs')).rejects.toMatchObject({ code: 'broker_timeout' });
    expect(world.upstream.requests.length - before).toBe(1);
  });

  it('is counted', async () => {
    const metrics = (await world.broker.call('GET', '/metrics')).body as string;
    expect(metrics).toMatch(/leasegate_call_duration_seconds_count\{tool="orders",code="ok"\} \d/);
    expect(metrics).toMatch(/leasegate_call_added_seconds_count [1-9]/);
    expect(metrics).toMatch(/leasegate_open_calls \d/);
    expect(metrics).toMatch(/leasegate_call_group_size_count\{statement="admit"\} [1-9]/);
  });
});

describe('a run that ended', () => {
  it('calls nothing any more', async () => {
    const other = await world.runToken('nightly', { runId: 'run-that-ends' });
    expect((await world.call(other, 'orders')).status).toBe(200);
    expect((await world.broker.call('DELETE', '/v1/runs/self', { token: other })).status).toBe(200);
    const refused = await world.call(other, 'orders');
    expect([refused.status, fieldsOf(refused)['code']]).toEqual([403, 'run_closed']);
    const [event] = await world.events(
      1,
      ({ kind, code }) => kind === 'call.refused' && code === 'run_closed',
    );
    expect(event?.data).toMatchObject({ check: 'admission' });
  });
});
