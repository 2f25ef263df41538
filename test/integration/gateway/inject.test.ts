import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PKI_ROLE } from '../../../src/dev/engines.js';
import { startUpstream, type SeenRequest, type Upstream } from '../../support/upstream.js';
import { fieldsOf, GatewayWorld } from './gateway-world.js';

let world: GatewayWorld;
let guarded: Upstream | undefined;
let token: string;

beforeAll(async () => {
  world = await GatewayWorld.start();
  const { broker, upstream } = world;
  const { kv, pki } = broker.names.mounts;
  const secrets = {
    oauth: { client_id: 'broker', client_secret: 'a client secret of some length' },
    cloud: { access_key: 'AKIDEXAMPLE', secret_key: 'a secret key of some length' },
    webhooks: { secret: 'a shared secret of some length' },
    broken: { api_key: 'with a line break\n' },
  };
  for (const [name, data] of Object.entries(secrets)) {
    await broker.vault.call('POST', `${kv}/data/${name}`, { data });
    await broker.addCredential({ name, kind: 'kv', mount: kv, path: name, deliveries: ['gateway'] });
  }
  const parameters = { common_name: 'worker.internal.example' };
  await broker.addCredential({
    name: 'client-tls',
    kind: 'pki',
    mount: pki,
    path: PKI_ROLE,
    parameters,
    deliveries: ['gateway'],
  });
  const issuer = await broker.vault.call('GET', `${pki}/cert/ca`);
  guarded = await startUpstream({ clientCa: String(issuer['certificate']) });
  guarded.json('GET', '/mutual', {});
  let tokens = 0;
  upstream.on('POST', '/token', (request, response) => {
    tokens += 1;
    const basic = Buffer.from('broker:a+client+secret+of+some+length').toString('base64');
    const known = request.headers['authorization'] === `Basic ${basic}`;
    const body = known
      ? { access_token: `oauth-token-number-${tokens}`, token_type: 'Bearer', expires_in: 600 }
      : {};
    response.writeHead(known ? 200 : 401, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  for (const path of ['/oauth', '/cloud', '/broken']) upstream.json('GET', path, {});
  upstream.on('POST', '/hook', (request, response) => {
    const signature = String(request.headers['x-signature']);
    // An answer that echoes what it was sent must not hand it to the caller.
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ signature }));
  });
  const name = (credential: string, inject: object): object => ({ credential: { name: credential, inject } });
  await world.tools(
    {
      name: 'oauth',
      ...name('oauth', {
        as: 'oauth-client-credentials',
        token_url: `${upstream.origin}/token`,
        scope: 'read',
      }),
    },
    { name: 'cloud', ...name('cloud', { as: 'aws-sigv4', service: 'execute-api', region: 'eu-west-1' }) },
    {
      name: 'hook',
      method: 'POST',
      parameters: { body: { schema: { type: 'object' } } },
      ...name('webhooks', { as: 'hmac', header: 'x-signature', timestamp_header: 'x-time' }),
    },
    {
      name: 'mutual',
      url: `${guarded.origin}/mutual`,
      ca_file: guarded.caFile,
      ...name('client-tls', {
        as: 'client-certificate',
        certificate_field: 'certificate',
        key_field: 'private_key',
        ca_chain_field: 'ca_chain',
      }),
    },
    { name: 'broken', ...name('broken', { as: 'bearer' }) },
  );
  token = await world.runWith('inject', ['oauth', 'cloud', 'hook', 'mutual', 'broken']);
}, 240_000);
afterAll(async () => {
  await guarded?.stop();
  await world.stop();
});

function seen(path: string): readonly SeenRequest[] {
  return world.upstream.requests.filter((request) => request.path === path);
}

describe('a call', () => {
  it('whose credential cannot be sent does not leave, and says nothing of it', async () => {
    const answer = await world.call(token, 'broken');
    expect(answer).toMatchObject({ status: 502, body: { code: 'credential_unusable' } });
    expect(JSON.stringify(answer.body)).not.toContain('with a line break');
    expect(seen('/broken')).toEqual([]);
  });

  it('has an OAuth token that was asked for once, over the same vetted way out', async () => {
    const answers = await Promise.all([world.call(token, 'oauth'), world.call(token, 'oauth')]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    await world.call(token, 'oauth');
    expect(seen('/token').map(({ body }) => body.toString())).toEqual([
      'grant_type=client_credentials&scope=read',
    ]);
    expect(seen('/oauth').map(({ headers }) => headers['authorization'])).toEqual(
      Array.from({ length: 3 }, () => 'Bearer oauth-token-number-1'),
    );
  });

  it('has a signature of AWS over exactly what was sent', async () => {
    expect((await world.call(token, 'cloud')).status).toBe(200);
    const [request] = seen('/cloud');
    const signed = /SignedHeaders=([^,]+)/.exec(String(request?.headers['authorization']))?.[1] ?? '';
    expect(signed.split(';')).toEqual(expect.arrayContaining(['host', 'x-amz-date']));
    for (const name of signed.split(';')) expect(request?.headers[name], name).toBeDefined();
  });

  it('has an HMAC over exactly what was sent, which an answer cannot give back', async () => {
    const answer = await world.call(token, 'hook', { body: { a: 'ü' } });
    const [request] = seen('/hook');
    const signed = [request?.headers['x-time'], 'POST', '/hook', request?.body.toString()].join('\n');
    const expected = createHmac('sha256', 'a shared secret of some length').update(signed).digest('hex');
    expect(request?.headers['x-signature']).toBe(expected);
    expect(JSON.stringify(fieldsOf(answer)['response'])).toContain('[redacted:');
    expect(JSON.stringify(answer.body)).not.toContain(expected);
  });

  it('has a client certificate that Vault made, and whose issuer the provider knows', async () => {
    const answer = await world.call(token, 'mutual');
    expect(answer).toMatchObject({ status: 200 });
    expect(guarded?.requests.map(({ clientName }) => clientName)).toEqual(['worker.internal.example']);
  });
});
