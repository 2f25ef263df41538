import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../support/until.js';
import { startWorld, type World } from '../../support/world.js';

let world: World;
let admin: string;
beforeAll(async () => {
  world = await startWorld();
  admin = await world.adminToken();
});
afterAll(() => world.stop());

function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  return world.call(method, path, { token: admin, headers, ...(body === undefined ? {} : { body }) });
}

const GRANT = {
  issuer: 'dev',
  workload: { claims: { sub: 'jobs/other' } },
  run: { from: 'asserted', step_from: 'asserted', max_duration_seconds: 600 },
  credentials: [{ name: 'orders-readonly', max_ttl_seconds: 60 }],
  limits: { open_runs: 3 },
  labels: { team: 'a' },
};

describe.each([
  ['/v1/grants', 'grant', { ...GRANT }, { ...GRANT, description: 'changed' }],
  [
    '/v1/credentials',
    'credential',
    { kind: 'kv', mount: 'kv', path: 'a' },
    { kind: 'kv', mount: 'kv', path: 'b' },
  ],
])('a change at %s', (path, noun, spec, changed) => {
  const name = `changed-${noun}`;
  const target = `${path}/${name}`;

  it('is refused without a version, with a weak, foreign or old one', async () => {
    const created = await call('POST', path, { name, ...spec });
    expect(created.status).toBe(201);
    expect(created.headers.get('etag')).toBe('"1"');
    const body = { name, ...changed };
    expect(await call('PUT', target, body)).toMatchObject({
      status: 428,
      body: { code: 'precondition_required' },
    });
    for (const tag of ['*', 'W/"1"', '1', '"one"', '"1", "2"', '"7"', '"0"'])
      expect(await call('PUT', target, body, { 'if-match': tag }), tag).toMatchObject({
        status: 412,
        body: { code: 'precondition_failed' },
      });
  });

  it('makes a new version, once', async () => {
    const body = { name, ...changed };
    const done = await call('PUT', target, body, { 'if-match': '"1"' });
    expect(done).toMatchObject({ status: 200, body: { version: 2 } });
    expect(done.headers.get('etag')).toBe('"2"');
    expect((await call('PUT', target, body, { 'if-match': '"1"' })).status).toBe(412);
    expect((await call('GET', target)).headers.get('etag')).toBe('"2"');
  });

  it('lets one of two at once through', async () => {
    const body = { name, ...changed };
    const answers = await Promise.all([1, 2].map(() => call('PUT', target, body, { 'if-match': '"2"' })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412]);
  });

  it('keeps the name', async () => {
    const other = await call('PUT', target, { name: 'another', ...changed }, { 'if-match': '"3"' });
    expect(other).toMatchObject({ status: 422, body: { code: 'request_invalid', field: '/name' } });
    expect(await call('POST', path, { name, ...spec })).toMatchObject({
      status: 409,
      body: { code: 'name_taken' },
    });
  });
});

describe('a grant', () => {
  it('comes back as it was sent, and keeps every version', async () => {
    const created = await call('POST', '/v1/grants', { name: 'kept', ...GRANT });
    expect(created.body).toMatchObject({
      name: 'kept',
      state: 'active',
      version: 1,
      spec: { name: 'kept', ...GRANT },
    });
    await call('PUT', '/v1/grants/kept', { name: 'kept', ...GRANT, limits: {} }, { 'if-match': '"1"' });
    const { body } = await call('GET', '/v1/grants/kept/versions');
    expect((body as { items: { version: number; spec: { limits: object } }[] }).items).toMatchObject([
      { version: 1, spec: { limits: { open_runs: 3 } } },
      { version: 2, spec: { limits: {} } },
    ]);
  });

  it('goes from draft to revoked, and refuses what its state does not allow', async () => {
    await call('POST', '/v1/grants', { name: 'lived', ...GRANT, state: 'draft' });
    const act = async (action: string): Promise<unknown[]> => {
      const { status, body } = await call('POST', `/v1/grants/lived/${action}`, { reason: 'for a test' });
      const { state, code } = body as { state?: string; code?: string };
      return [status, state ?? code];
    };
    expect(await act('suspend')).toEqual([409, 'state_transition_refused']);
    expect(await act('activate')).toEqual([200, 'active']);
    expect(await act('suspend')).toEqual([200, 'suspended']);
    expect(await act('activate')).toEqual([409, 'state_transition_refused']);
    expect(await act('resume')).toEqual([200, 'active']);
    expect(await act('revoke')).toEqual([200, 'revoked']);
    expect(await act('resume')).toEqual([409, 'state_transition_refused']);
  });

  it('takes an act without a body, and refuses one with another body', async () => {
    await call('POST', '/v1/grants', { name: 'acted', ...GRANT });
    expect(await call('POST', '/v1/grants/acted/suspend', { because: 'x' })).toMatchObject({ status: 422 });
    expect(await call('POST', '/v1/grants/acted/suspend')).toMatchObject({
      status: 200,
      body: { state: 'suspended' },
    });
  });

  it('explains itself to an operator, without the token in the answer', async () => {
    const token = await world.workerToken({ sub: 'jobs/unknown', secret_claim: 'marker-claim' });
    const { status, body } = await call('POST', '/v1/grants/explain', { token, run_id: 'r', step_id: 's' });
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { subject: 'jobs/unknown', decision: { accepted: false, code: 'grant_not_found' } },
    });
    const text = JSON.stringify(body);
    expect(text).not.toContain('marker-claim');
    expect(text).not.toContain(token);
    expect(await call('POST', '/v1/grants/explain', { token: 'x' })).toMatchObject({ status: 401 });
  });
});

describe('lists', () => {
  it('come in pages that neither repeat nor skip', async () => {
    for (const name of ['page-a', 'page-b', 'page-c', 'page-d', 'page-e'])
      await call('POST', '/v1/grants', { name, ...GRANT, labels: { page: 'yes' } });
    const names: string[] = [];
    let cursor: string | null = '';
    for (let pages = 0; cursor !== null && pages < 10; pages += 1) {
      const after: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const { body } = await call('GET', `/v1/grants?limit=2&label=page%3Dyes${after}`);
      const page = body as { items: { name: string }[]; next_cursor: string | null };
      names.push(...page.items.map(({ name }) => name));
      cursor = page.next_cursor;
    }
    expect(names).toEqual(['page-e', 'page-d', 'page-c', 'page-b', 'page-a']);
  });

  it('are narrowed by their filters', async () => {
    const names = async (path: string): Promise<string[]> =>
      ((await call('GET', path)).body as { items: { name: string }[] }).items.map(({ name }) => name);
    expect(await names('/v1/credentials?kind=pki')).toEqual(['internal-tls']);
    expect(await names('/v1/grants?credential=payments-api')).toEqual(['nightly-orders']);
    expect(await names('/v1/grants?issuer=nobody')).toEqual([]);
    expect(await names('/v1/credentials?enabled=false')).toEqual([]);
  });
});

describe('what anybody may read', () => {
  it('is where people log in', async () => {
    const { status, body, headers } = await world.call('GET', '/v1/auth/config');
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { issuers: [{ name: 'dev', token: 'access_token', send_resource: true }] },
    });
    expect(headers.get('cache-control')).toContain('public');
    expect(headers.get('set-cookie')).toBeNull();
  });

  it('is what a problem means, at its own address', async () => {
    const { body } = await world.call('GET', '/v1/grants');
    const { type } = body as { type: string };
    expect(await world.call('GET', new URL(type).pathname)).toMatchObject({
      status: 200,
      body: { code: 'authentication_required', status: 401 },
    });
  });
});

describe('revocation', () => {
  it('is held and released by an operator, who says why', async () => {
    const operator = await world.adminToken(['operator']);
    const as = (path: string, body: object) => world.call('POST', path, { token: operator, body });
    expect((await call('GET', '/v1/hold')).body).toMatchObject({ held: false, look: null });
    const held = await as('/v1/hold', { reason: 'restored' });
    expect(held).toMatchObject({ status: 200, body: { held: true, reason: 'restored' } });
    expect((await world.call('GET', '/readyz')).body).toMatchObject({
      ready: true,
      checks: { revocation: { ok: true, detail: 'hold' } },
    });
    const look = await until(async () => {
      const { body } = await call('GET', '/v1/hold');
      return (body as { look: unknown }).look;
    });
    expect(look).toMatchObject({
      trigger: 'hold',
      dry_run: true,
      state: 'done',
      counts: { lease_unknown: 0 },
    });
    expect((await as('/v1/hold/release', {})).status).toBe(422);
    const released = await as('/v1/hold/release', { reason: 'looked' });
    expect(released.body).toMatchObject({ held: false, reason: 'looked' });
  });
});
