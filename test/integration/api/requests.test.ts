import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld, type World } from '../../support/world.js';

const UNKNOWN = '01a1fbd5-ff8b-73d3-ad1f-79f9c26d0c98';
const MARK = 'marker-of-a-value';

let world: World;
let admin: string;
let run: string;
beforeAll(async () => {
  world = await startWorld();
  admin = await world.adminToken(['admin', 'approver', 'auditor', 'operator']);
  run = await world.runToken();
});
afterAll(() => world.stop());

async function send(method: string, path: string, type: string, body: string, token = admin) {
  const response = await fetch(`${world.baseUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': type },
    body,
  });
  const problem = (await response.json()) as Record<string, unknown>;
  expect(problem['reference']).toBe(response.headers.get('x-request-id'));
  return { status: response.status, type: response.headers.get('content-type'), problem };
}

const JSON_TYPE = 'application/json';
const deep = `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`;

describe('a body that is refused', () => {
  it.each([
    ['is no JSON', JSON_TYPE, '{', 400, 'request_malformed'],
    ['is JSON with a tail', JSON_TYPE, '{} x', 400, 'request_malformed'],
    ['names a prototype', JSON_TYPE, '{"__proto__":{"a":1}}', 400, 'request_malformed'],
    ['is nested too deep', JSON_TYPE, deep, 400, 'request_malformed'],
    ['is too large', JSON_TYPE, JSON.stringify({ a: 'x'.repeat(1_048_576) }), 413, 'request_too_large'],
    ['is text', 'text/plain', 'hello', 415, 'media_type_unsupported'],
    ['is a form', 'application/x-www-form-urlencoded', 'credential=db', 415, 'media_type_unsupported'],
    ['is of no known type', 'application/vnd.other', '{}', 415, 'media_type_unsupported'],
    ['is nothing', JSON_TYPE, '', 422, 'request_invalid'],
    ['is null', JSON_TYPE, 'null', 422, 'request_invalid'],
    ['is a list', JSON_TYPE, '[]', 422, 'request_invalid'],
    ['is a number', JSON_TYPE, '1', 422, 'request_invalid'],
  ])('%s', async (_, type, body, status, code) => {
    for (const [path, token] of [
      ['/v1/leases', run],
      ['/v1/grants', admin],
      ['/v1/credentials', admin],
    ] as const) {
      const answer = await send('POST', path, type, body, token);
      expect(answer, path).toMatchObject({ status, problem: { code, status } });
      expect(answer.type).toBe('application/problem+json; charset=utf-8');
    }
  });

  it.each([
    ['an unknown field', { credential: 'orders-readonly', [MARK]: 1 }, `/${MARK}`],
    ['a number for a name', { credential: 7 }, '/credential'],
    ['a name that is none', { credential: 'Not A Name' }, '/credential'],
    ['text for a number', { credential: 'orders-readonly', ttl_seconds: '60' }, '/ttl_seconds'],
    ['a time to live of 0', { credential: 'orders-readonly', ttl_seconds: 0 }, '/ttl_seconds'],
    ['a negative time to live', { credential: 'orders-readonly', ttl_seconds: -1 }, '/ttl_seconds'],
    ['a huge time to live', { credential: 'orders-readonly', ttl_seconds: 1e300 }, '/ttl_seconds'],
    ['half a second', { credential: 'orders-readonly', ttl_seconds: 0.5 }, '/ttl_seconds'],
    ['a delivery that is none', { credential: 'orders-readonly', delivery: 'pigeon' }, '/delivery'],
    ['a step with a line end', { credential: 'orders-readonly', step_id: 'a\nb' }, '/step_id'],
    ['a step that is too long', { credential: 'orders-readonly', step_id: 'x'.repeat(300) }, '/step_id'],
  ])('has %s', async (_, body, field) => {
    const answer = await send('POST', '/v1/leases', JSON_TYPE, JSON.stringify(body), run);
    expect(answer).toMatchObject({ status: 422, problem: { code: 'request_invalid', field } });
  });

  it('names every field that is wrong, and repeats no value', async () => {
    const body = { name: MARK.toUpperCase(), kind: MARK, mount: 7, extra: MARK };
    const { problem } = await send('POST', '/v1/credentials', JSON_TYPE, JSON.stringify(body));
    const fields = (problem['errors'] as { field: string }[]).map(({ field }) => field).sort();
    expect(fields).toEqual(['/extra', '/kind', '/mount', '/name', '/path']);
    expect(JSON.stringify(problem)).not.toMatch(new RegExp(MARK, 'i'));
  });

  it('is a grant whose conditions do not compile, whose issuer or credential is not there', async () => {
    const grant = {
      name: 'bad',
      issuer: 'dev',
      workload: { claims: { sub: 'x' } },
      run: { from: 'asserted', step_from: 'asserted' },
      credentials: [{ name: 'orders-readonly' }],
    };
    const cases = [
      [{ ...grant, workload: { claims: {} } }, 'grant_conditions_invalid'],
      [{ ...grant, workload: { claims: { sub: 'x' }, cel: 'claims.sub ==' } }, 'grant_conditions_invalid'],
      [{ ...grant, workload: { claims: { sub: 'a**b' } } }, 'grant_conditions_invalid'],
      [{ ...grant, issuer: 'nobody' }, 'request_invalid'],
      [{ ...grant, credentials: [{ name: 'nothing' }] }, 'credential_unknown'],
      [{ ...grant, run: { ...grant.run, run_id_claim: 'x' } }, 'request_invalid'],
    ] as const;
    for (const [body, code] of cases) {
      const answer = await send('POST', '/v1/grants', JSON_TYPE, JSON.stringify(body));
      expect(answer, JSON.stringify(body)).toMatchObject({ status: 422, problem: { code } });
    }
    const last = await send('POST', '/v1/grants', JSON_TYPE, JSON.stringify(cases[5][0]));
    expect(last.problem['field']).toBe('/run/run_id_claim');
  });
});

describe('a query that is refused', () => {
  it.each([
    ['/v1/grants?limit=0', 'limit'],
    ['/v1/grants?limit=201', 'limit'],
    ['/v1/grants?limit=ten', 'limit'],
    ['/v1/grants?limit=1&limit=2', 'limit'],
    ['/v1/grants?state=gone', 'state'],
    ['/v1/grants?stat=active', 'stat'],
    ['/v1/grants?cursor=nonsense', 'cursor'],
    ['/v1/credentials?enabled=yes', 'enabled'],
    ['/v1/runs?cursor=W10', 'cursor'],
    ['/v1/leases?cursor=W10', 'cursor'],
    ['/v1/audit/events?kind=nothing', 'kind'],
    ['/v1/audit/events?from=yesterday', 'from'],
    ['/v1/audit/events?run_ref=1', 'run_ref'],
    ['/v1/audit/events?cursor=W10', 'cursor'],
    ['/v1/audit/export?format=xls', 'format'],
  ])('%s', async (path, field) => {
    const { status, body } = await world.call('GET', path, { token: admin });
    expect({ status, body }).toMatchObject({ status: 422, body: { code: 'request_invalid', field } });
  });
});

describe('what is not there', () => {
  it.each([
    ['GET', `/v1/grants/${UNKNOWN}`],
    ['GET', '/v1/grants/no-such-grant'],
    ['GET', '/v1/grants/Not%20A%20Name'],
    ['GET', `/v1/grants/${UNKNOWN}/versions`],
    ['POST', `/v1/grants/${UNKNOWN}/suspend`],
    ['POST', `/v1/grants/${UNKNOWN}/revoke`],
    ['GET', '/v1/credentials/nothing'],
    ['GET', '/v1/credentials/%2e%2e%2fnothing'],
    ['POST', '/v1/credentials/nothing/disable'],
    ['GET', `/v1/runs/${UNKNOWN}`],
    ['GET', '/v1/runs/1'],
    ['POST', `/v1/runs/${UNKNOWN}/close`],
    ['POST', '/v1/runs/1/revoke'],
    ['GET', `/v1/leases/${UNKNOWN}`],
    ['GET', '/v1/leases/%00'],
    ['POST', `/v1/leases/${UNKNOWN}/revoke`],
    ['GET', '/problems/nothing'],
    ['GET', '/v1'],
    ['GET', '/v1/grants/'],
    ['GET', '/../v1/grants/x/y/z'],
  ])('%s %s', async (method, path) => {
    const { status, body } = await world.call(method, path, { token: admin });
    expect({ status, body }).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });

  it('is a lease or run of nobody for a worker, too', async () => {
    for (const [method, path] of [
      ['POST', `/v1/leases/${UNKNOWN}/renew`],
      ['DELETE', `/v1/leases/${UNKNOWN}`],
      ['DELETE', '/v1/leases/1'],
    ] as const)
      expect(await world.call(method, path, { token: run })).toMatchObject({
        status: 404,
        body: { code: 'not_found' },
      });
  });

  it('is told from a method that is not taken', async () => {
    const { status, body, headers } = await world.call('PATCH', '/v1/grants/x', { token: admin });
    expect({ status, body }).toMatchObject({ status: 405, body: { code: 'method_not_allowed' } });
    expect(headers.get('allow')).toBe('GET, HEAD, PUT');
  });
});

describe('a reference', () => {
  it('is the caller’s when it is a sane token', async () => {
    const { headers, body } = await world.call('GET', '/v1/nothing', {
      headers: { 'x-request-id': 'job-42.step-7' },
    });
    expect(headers.get('x-request-id')).toBe('job-42.step-7');
    expect(body).toMatchObject({ reference: 'job-42.step-7' });
  });

  it.each(['short', 'with space in it', 'x'.repeat(65), '{"json":true}'])(
    'is a new one instead of %s',
    async (id) => {
      const { headers } = await world.call('GET', '/livez', { headers: { 'x-request-id': id } });
      expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    },
  );
});

describe('every answer', () => {
  it.each(['/livez', '/v1/grants', '/nothing', '/%zz', '/docs'])(
    'of %s has security headers',
    async (path) => {
      const response = await fetch(`${world.baseUrl}${path}`);
      if (path !== '/%zz') {
        expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
        expect(response.headers.get('x-content-type-options')).toBe('nosniff');
        expect(response.headers.get('x-frame-options')).toBe('DENY');
      }
      expect(response.headers.get('x-powered-by')).toBeNull();
      await response.arrayBuffer();
    },
  );

  it('survives a request that is no HTTP', async () => {
    const { hostname, port } = new URL(world.baseUrl);
    const answer = await new Promise<string>((resolve, reject) => {
      let text = '';
      const socket = connect(Number(port), hostname, () => socket.write('nonsense\r\n\r\n'));
      socket.on('data', (chunk) => (text += chunk.toString()));
      socket.on('close', () => resolve(text));
      socket.on('error', reject);
    });
    expect(answer).toContain('400 Bad Request');
    expect((await world.call('GET', '/livez')).status).toBe(200);
  });
});
