import { createRemoteJWKSet, jwtVerify } from 'jose';
import {
  allowInsecureRequests,
  discovery,
  genericGrantRequest,
  None,
  ResponseBodyError,
} from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld, type World } from '../../support/world.js';

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const JWT = 'urn:ietf:params:oauth:token-type:jwt';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.stop());

async function form(fields: Record<string, string>): Promise<Record<string, string>> {
  return {
    grant_type: TOKEN_EXCHANGE,
    subject_token: await world.workerToken(),
    subject_token_type: JWT,
    run_id: 'r',
    step_id: 's',
    ...fields,
  };
}

describe('an exchange that is refused', () => {
  it.each([
    [{ grant_type: 'password' }, 400, 'unsupported_grant_type', 'unsupported_grant_type'],
    [{ subject_token: 'x' }, 400, 'invalid_request', 'token_malformed'],
    [{ subject_token_type: 'urn:x' }, 400, 'invalid_request', 'subject_token_type_refused'],
    [{ resource: 'https://other.example' }, 400, 'invalid_target', 'target_refused'],
    [{ scope: 'everything' }, 400, 'invalid_scope', 'scope_refused'],
    [{ scope: 'credential:other' }, 400, 'invalid_scope', 'scope_refused'],
    [{ scope: 'grant:other' }, 400, 'invalid_request', 'grant_not_found'],
    [{ run_id: '' }, 400, 'invalid_request', 'run_identity_missing'],
    [{ step_id: '' }, 400, 'invalid_request', 'run_identity_missing'],
  ])('%j', async (fields, status, error, code) => {
    const answer = await world.call('POST', '/oauth2/token', {
      form: await form(fields),
    });
    expect(answer).toMatchObject({ status, body: { error, code } });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect((answer.body as { reference: string }).reference).toBe(answer.headers.get('x-request-id'));
  });

  it.each([
    ['application/json', '{}', 415],
    ['text/plain', 'grant_type=x', 415],
    ['multipart/form-data; boundary=x', '--x--', 415],
    ['application/x-www-form-urlencoded', `a=${'b'.repeat(1_048_576)}`, 413],
  ])('a body of %s', async (type, body, status) => {
    const response = await fetch(`${world.baseUrl}/oauth2/token`, {
      method: 'POST',
      headers: { 'content-type': type },
      body,
    });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: 'invalid_request' });
  });

  it('by method', async () => {
    const answer = await world.call('GET', '/oauth2/token');
    expect(answer).toMatchObject({
      status: 405,
      body: { error: 'invalid_request', code: 'method_not_allowed' },
    });
  });

  it('as a stranger’s, who is told why and not more', async () => {
    const subject_token = await world.workerToken({ sub: 'jobs/stranger' });
    const { body } = await world.call('POST', '/oauth2/token', { form: await form({ subject_token }) });
    expect(body).toMatchObject({ error: 'invalid_request', code: 'grant_not_found' });
    expect(JSON.stringify(body)).not.toMatch(/nightly|stranger/);
  });
});

describe('a generic client', () => {
  async function client() {
    return discovery(new URL(world.baseUrl), 'any-client', undefined, None(), {
      algorithm: 'oauth2',
      execute: [allowInsecureRequests],
    });
  }

  it('discovers and exchanges, unmodified', async () => {
    const answer = await genericGrantRequest(await client(), TOKEN_EXCHANGE, {
      subject_token: await world.workerToken(),
      subject_token_type: JWT,
      resource: world.baseUrl,
      run_id: 'generic',
      step_id: 's',
    });
    expect(answer).toMatchObject({
      token_type: 'bearer',
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      run_id: 'generic',
      step_id: 's',
      grant: 'nightly-orders',
    });
    expect(answer.expires_in).toBeLessThanOrEqual(600);
    const keys = createRemoteJWKSet(new URL(`${world.baseUrl}/.well-known/jwks.json`));
    const { payload, protectedHeader } = await jwtVerify(answer.access_token, keys, {
      issuer: world.baseUrl,
      audience: world.baseUrl,
      typ: 'at+jwt',
    });
    expect(protectedHeader.alg).toBe('ES256');
    expect(payload).toMatchObject({ run_id: 'generic', step_id: 's', grant: 'nightly-orders' });
  });

  it('understands a refusal', async () => {
    const refused = genericGrantRequest(await client(), TOKEN_EXCHANGE, {
      subject_token: 'x',
      subject_token_type: JWT,
    });
    await expect(refused).rejects.toThrow(ResponseBodyError);
    await expect(refused).rejects.toMatchObject({ error: 'invalid_request', status: 400 });
  });

  it('may send what it likes of client authentication', async () => {
    const { status } = await world.call('POST', '/oauth2/token', {
      form: await form({ client_id: 'x', run_id: 'with-client' }),
      headers: { authorization: `Basic ${Buffer.from('x:y').toString('base64')}` },
    });
    expect(status).toBe(200);
  });
});

describe('metadata', () => {
  it('says where the token endpoint and the keys are', async () => {
    const server = await world.call('GET', '/.well-known/oauth-authorization-server');
    expect(server.body).toMatchObject({
      issuer: world.baseUrl,
      token_endpoint: `${world.baseUrl}/oauth2/token`,
      jwks_uri: `${world.baseUrl}/.well-known/jwks.json`,
      grant_types_supported: [TOKEN_EXCHANGE],
    });
    expect(server.headers.get('cache-control')).toBe('public, max-age=300');
    const resource = await world.call('GET', '/.well-known/oauth-protected-resource');
    expect(resource.body).toMatchObject({ resource: world.baseUrl, authorization_servers: [world.baseUrl] });
  });

  it('has no private part of a key', async () => {
    await world.runToken({ runId: 'makes-a-key' });
    const { body, headers } = await world.call('GET', '/.well-known/jwks.json');
    const { keys } = body as { keys: Record<string, unknown>[] };
    expect(keys.length).toBeGreaterThan(0);
    for (const key of keys)
      expect(Object.keys(key).filter((name) => ['d', 'p', 'q', 'k'].includes(name))).toEqual([]);
    expect(headers.get('cache-control')).toBe('public, max-age=60');
  });
});
