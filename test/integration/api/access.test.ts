import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { API_CONTROLLERS } from '../../../src/api/controllers.js';
import { ProviderController } from '../../../src/api/gateway/provider.controller.js';
import { ToolCallsController } from '../../../src/api/gateway/tool-calls.controller.js';
import { declaredRoutes } from '../../../src/api/openapi/routes.js';
import { ROLES, type Role } from '../../../src/kernel/caller.js';
import { until } from '../../support/until.js';
import { startWorld, type World } from '../../support/world.js';

const EVERY: readonly Role[] = ['admin', 'approver', 'auditor', 'operator'];
const ACTING: readonly Role[] = ['admin', 'operator'];
const READING: readonly Role[] = ['admin', 'auditor'];
const WATCHING: readonly Role[] = ['admin', 'auditor', 'operator'];

/** Who may do what; written down here once more, so that a decorator that is changed by mistake is noticed. */
const TABLE: Readonly<Record<string, readonly Role[]>> = {
  'GET /v1/grants': EVERY,
  'POST /v1/grants': ['admin'],
  'GET /v1/grants/{id}': EVERY,
  'PUT /v1/grants/{id}': ['admin'],
  'GET /v1/grants/{id}/versions': EVERY,
  'POST /v1/grants/{id}/approve': ['approver'],
  'POST /v1/grants/{id}/activate': ['admin'],
  'POST /v1/grants/{id}/suspend': ACTING,
  'POST /v1/grants/{id}/resume': ['admin'],
  'POST /v1/grants/{id}/revoke': ['admin'],
  'POST /v1/grants/explain': ACTING,
  'GET /v1/credentials': EVERY,
  'POST /v1/credentials': ['admin'],
  'GET /v1/credentials/{name}': EVERY,
  'PUT /v1/credentials/{name}': ['admin'],
  'POST /v1/credentials/{name}/disable': ['admin'],
  'POST /v1/credentials/{name}/enable': ['admin'],
  'GET /v1/runs': EVERY,
  'GET /v1/runs/{id}': EVERY,
  'POST /v1/runs/{id}/close': ACTING,
  'POST /v1/runs/{id}/revoke': ACTING,
  'GET /v1/leases': EVERY,
  'GET /v1/leases/{id}': EVERY,
  'POST /v1/leases/{id}/revoke': ACTING,
  'POST /v1/leases/{id}/retry': ACTING,
  'POST /v1/leases/{id}/forget': ['admin'],
  'POST /v1/revocations': ACTING,
  'GET /v1/revocations': EVERY,
  'GET /v1/revocations/{id}': EVERY,
  'GET /v1/blocks': EVERY,
  'POST /v1/blocks': ACTING,
  'DELETE /v1/blocks/{id}': ['admin'],
  'GET /v1/hold': EVERY,
  'POST /v1/hold': ACTING,
  'POST /v1/hold/release': ACTING,
  'GET /v1/reconciliations': WATCHING,
  'POST /v1/reconciliations': ACTING,
  'GET /v1/reconciliations/{id}': WATCHING,
  'GET /v1/reconciliations/{id}/findings': WATCHING,
  'POST /v1/reconciliations/{id}/abort': ACTING,
  'GET /v1/issuers': EVERY,
  'GET /v1/whoami': EVERY,
  'GET /v1/calls': WATCHING,
  'GET /v1/calls/{id}': WATCHING,
  'GET /v1/tools': EVERY,
  'POST /v1/tools': ['admin'],
  'GET /v1/tools/{name}': EVERY,
  'PUT /v1/tools/{name}': ['admin'],
  'GET /v1/tools/{name}/versions': EVERY,
  'GET /v1/tools/{name}/versions/{version}': EVERY,
  'POST /v1/tools/{name}/disable': ['admin'],
  'POST /v1/tools/{name}/enable': ['admin'],
  'POST /v1/tools/{name}/test': ACTING,
  'GET /v1/costs': WATCHING,
  'GET /v1/costs/reconciliation': WATCHING,
  'POST /v1/costs/imports': ACTING,
  'GET /v1/alerts': WATCHING,
  'GET /v1/alerts/{id}': WATCHING,
  'GET /v1/alerts/rules': WATCHING,
  'POST /v1/alerts/test': ACTING,
  'GET /v1/sinks': WATCHING,
  'GET /v1/sinks/{name}/dead-letters': WATCHING,
  'POST /v1/sinks/{name}/retry': ACTING,
  'GET /v1/alerts/silences': WATCHING,
  'POST /v1/alerts/silences': ACTING,
  'POST /v1/alerts/silences/{id}/end': ACTING,
  'POST /v1/shadow/egress': ACTING,
  'POST /v1/shadow/vault-audit': ACTING,
  'POST /v1/shadow/postgres-log': ACTING,
  'GET /v1/leases/{id}/uses': WATCHING,
  'GET /v1/shadow/egress': WATCHING,
  'GET /v1/egress/policy': WATCHING,
  'GET /v1/audit/events': READING,
  'GET /v1/audit/events/head': READING,
  'GET /v1/audit/count': READING,
  'GET /v1/audit/histogram': READING,
  'GET /v1/audit/held': READING,
  'GET /v1/audit/runs/{run}/story': READING,
  'GET /v1/legal-holds': READING,
  'POST /v1/legal-holds': READING,
  'DELETE /v1/legal-holds/{id}': ['admin'],
  'GET /v1/audit/parts': READING,
  'GET /log/checkpoint': READING,
  'GET /log/keys': READING,
  'GET /v1/audit/origins': READING,
  'POST /v1/audit/origins': ['admin'],
  'GET /log/tile/{path}': READING,
  'GET /v1/audit/export': READING,
  'GET /v1/audit/bundle': READING,
  'GET /v1/exports': WATCHING,
  'GET /v1/audit/exports/{id}/manifest': READING,
  'GET /v1/audit/events/{index}/proof': READING,
};
const WORKER = [
  'POST /v1/leases',
  'POST /v1/leases/{id}/renew',
  'DELETE /v1/leases/{id}',
  'GET /v1/runs/self',
  'DELETE /v1/runs/self',
  'GET /v1/runs/self/costs',
];
/** Where calls leave; who shows anything but a run token there may be going around the exchange. */
const CALLS = [
  'POST /v1/tools/{name}/call',
  'GET /g/{provider}/{path}',
  'POST /g/{provider}/{path}',
  'PUT /g/{provider}/{path}',
  'PATCH /g/{provider}/{path}',
  'DELETE /g/{provider}/{path}',
];
const PUBLIC = [
  'POST /oauth2/token',
  'GET /.well-known/oauth-authorization-server',
  'GET /.well-known/oauth-protected-resource',
  'GET /.well-known/jwks.json',
  'GET /v1/auth/config',
  'GET /openapi.json',
  'GET /docs',
  'GET /problems/{code}',
];

let world: World;
const tokens = new Map<string, string>();
beforeAll(async () => {
  world = await startWorld();
  for (const role of ROLES) tokens.set(role, await world.adminToken([role], `the-${role}`));
  tokens.set('nobody', await world.adminToken([], 'nobody'));
  tokens.set('run', await world.runToken());
  tokens.set('worker', await world.workerToken());
});
afterAll(() => world.stop());

function call(route: string, token: string | undefined) {
  const [method = '', path = ''] = route.split(' ');
  const target = path.replace(/\{\w+\}/g, '01a1fbd5-ff8b-73d3-ad1f-79f9c26d0c98');
  // A body that nothing takes: whoever passes the guard is refused behind it, and changes nothing.
  const body = method === 'GET' || method === 'DELETE' ? {} : { body: { no_such_field: true } };
  return world.call(method, target, { ...body, ...(token === undefined ? {} : { token }) });
}

describe('the table', () => {
  it('has every route', () => {
    const declared = declaredRoutes(API_CONTROLLERS).map(({ method, path }) => `${method} ${path}`);
    expect(declared.sort()).toEqual([...Object.keys(TABLE), ...WORKER, ...PUBLIC].sort());
  });

  it('has every route by which calls leave', () => {
    const declared = declaredRoutes([ToolCallsController, ProviderController]);
    expect(declared.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([...CALLS].sort());
  });
});

describe.each(Object.entries(TABLE))('%s', (route, allowed) => {
  it('refuses nobody’s request, and a worker’s tokens', async () => {
    expect(await call(route, undefined)).toMatchObject({
      status: 401,
      body: { code: 'authentication_required' },
    });
    expect((await call(route, tokens.get('run'))).status).toBe(401);
  });

  it.each([...ROLES, 'nobody'])('as %s', async (role) => {
    const { status, body, headers } = await call(route, tokens.get(role));
    if ((allowed as readonly string[]).includes(role)) {
      expect([200, 404, 409, 415, 422, 428]).toContain(status);
    } else {
      expect({ status, body }).toMatchObject({ status: 403, body: { code: 'role_required' } });
      expect(headers.get('www-authenticate')).toContain('insufficient_scope');
    }
  });
});

describe.each(WORKER)('%s', (route) => {
  it('refuses every token but a run token', async () => {
    for (const holder of [undefined, 'admin', 'worker']) {
      const { status, body } = await call(route, holder === undefined ? undefined : tokens.get(holder));
      expect({ status, body }).toMatchObject({
        status: 401,
        body: { code: holder === undefined ? 'authentication_required' : 'run_token_invalid' },
      });
    }
  });
});

describe.each(CALLS)('%s', (route) => {
  it('refuses every token but a run token', async () => {
    for (const holder of [undefined, 'admin', 'worker']) {
      const { status, body } = await call(route, holder === undefined ? undefined : tokens.get(holder));
      expect({ status, body }).toMatchObject({ status: 400, body: { code: 'run_identity_missing' } });
    }
  });
});

describe('a token that is refused', () => {
  it.each([
    ['is text', 'text', 'token_malformed'],
    ['has no signature', 'eyJhbGciOiJub25lIn0.e30.', undefined],
    ['is too large', `a.${'b'.repeat(40_000)}.c`, undefined],
  ])('%s', async (_, token, code) => {
    const { status, body } = await world.call('GET', '/v1/whoami', { token });
    expect([401, 431]).toContain(status);
    if (code !== undefined) expect(body).toMatchObject({ code });
  });

  it('has expired, or is for another audience', async () => {
    const expired = await world.workerToken({ roles: ['admin'] }, { lifetimeSeconds: -120 });
    expect(await world.call('GET', '/v1/whoami', { token: expired })).toMatchObject({
      status: 401,
      body: { code: 'token_expired' },
    });
    const foreign = await world.workerToken({ roles: ['admin'] }, { audience: 'somebody-else' });
    const { body, headers } = await world.call('GET', '/v1/whoami', { token: foreign });
    expect(body).toMatchObject({ code: 'token_audience_refused' });
    expect(headers.get('www-authenticate')).toMatch(/^Bearer .*error="invalid_token".*resource_metadata="/);
  });

  it.each(['Basic YTpi', 'Bearer', 'Bearer a b', 'bearer'])('comes as %s', async (authorization) => {
    expect((await world.call('GET', '/v1/whoami', { headers: { authorization } })).status).toBe(401);
  });

  it('is looked for in the header alone', async () => {
    const token = tokens.get('admin') ?? '';
    expect((await world.call('GET', `/v1/whoami?access_token=${token}`)).status).toBe(401);
  });
});

describe('what is recorded', () => {
  async function events(query: string): Promise<{ event: Record<string, unknown> }[]> {
    const { body } = await world.call('GET', `/v1/audit/events?limit=200&${query}`, {
      token: tokens.get('auditor') ?? '',
    });
    return (body as { items: { event: Record<string, unknown> }[] }).items;
  }

  it('is each refusal, under the reference of its answer', async () => {
    const nobody = await world.call('GET', '/v1/grants');
    const reference = (nobody.body as { reference: string }).reference;
    const [refused] = await until(async () => {
      const found = await events(`request=${reference}`);
      return found.length > 0 ? found : undefined;
    });
    expect(refused?.event).toMatchObject({
      kind: 'authentication.refused',
      outcome: 'refused',
      code: 'authentication_required',
      data: { route: 'GET /v1/grants' },
    });
    const auditor = await world.call('POST', '/v1/hold', { token: tokens.get('auditor') ?? '' });
    const [forbidden] = await until(async () => {
      const found = await events(`request=${(auditor.body as { reference: string }).reference}`);
      return found.length > 0 ? found : undefined;
    });
    expect(forbidden?.event).toMatchObject({
      kind: 'authorization.refused',
      actor: { type: 'admin', subject: 'the-auditor' },
      data: { route: 'POST /v1/hold', needs: ['admin', 'operator'] },
    });
  });

  it('is an admin’s token, once', async () => {
    const token = await world.adminToken(['operator'], 'somebody-new');
    for (let request = 0; request < 3; request += 1) await world.call('GET', '/v1/whoami', { token });
    const found = await until(async () => {
      const accepted = await events('kind=authentication.accepted&actor=somebody-new');
      return accepted.length > 0 ? accepted : undefined;
    });
    expect(found).toHaveLength(1);
  });
});

describe('who is let in', () => {
  it('is known by name', async () => {
    expect(
      (await world.call('GET', '/v1/whoami', { token: tokens.get('approver') ?? '' })).body,
    ).toMatchObject({
      issuer: 'dev',
      subject: 'the-approver',
      roles: ['approver'],
    });
  });
});
