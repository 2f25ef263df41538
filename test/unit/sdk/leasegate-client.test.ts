import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { AdminClient } from '../../../src/sdk/admin-client.js';
import { LeasegateClient, type LeasegateClientOptions } from '../../../src/sdk/leasegate-client.js';
import { ProofKey } from '../../../src/sdk/proof-key.js';
import { leaseView } from './lease-views.js';
import { scriptedServer, type Reply } from './scripted-server.js';
import { TestSurroundings } from './test-surroundings.js';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const exchanged = (token: string, type = 'Bearer'): Reply => ({
  status: 200,
  body: {
    access_token: token,
    token_type: type,
    expires_in: 600,
    scope: 'credential:orders',
    run_id: 'run-1',
    step_id: 's',
    grant: 'nightly',
  },
});
const refused = (status: number, code: string): Reply => ({
  status,
  body: { code, detail: 'No.', reference: 'ref' },
});
const leased: Reply = {
  status: 201,
  body: { lease: leaseView(), credential: { username: 'u', password: 'p' } },
};
const released: Reply = { status: 200, body: { lease: leaseView({ state: 'revoked' }) } };

async function start(options: Partial<LeasegateClientOptions>, ...replies: Reply[]) {
  const server = await scriptedServer(...replies);
  closing.push(() => server.close());
  const surroundings = new TestSurroundings();
  const client = new LeasegateClient({
    url: server.url,
    surroundings,
    tokenSource: async () => 'platform-token',
    ...options,
  });
  return { server, surroundings, client };
}

describe('refusals', () => {
  it('says that there is no identity before it asks the broker', async () => {
    const { client, server } = await start(
      { tokenSource: undefined, runToken: 'given' },
      refused(401, 'run_token_expired'),
    );
    await expect(client.lease('orders')).rejects.toMatchObject({ code: 'run_token_expired' });
    await expect(client.exchange()).rejects.toMatchObject({ code: 'identity_missing' });
    expect(server.received).toHaveLength(1);
  });

  it('passes on why the exchange was refused, to everybody who waited for it', async () => {
    const { client, server } = await start({}, refused(403, 'grant_not_found'));
    const results = await Promise.allSettled([client.lease('a'), client.lease('b')]);
    expect(
      results.map((result) => result.status === 'rejected' && (result.reason as { code: string }).code),
    ).toEqual(['grant_not_found', 'grant_not_found']);
    expect(server.received).toHaveLength(1);
  });

  it('exchanges once more when the run token is not taken, and then gives up', async () => {
    const { client, server } = await start(
      {},
      exchanged('one'),
      refused(401, 'run_token_invalid'),
      exchanged('two'),
      refused(401, 'run_token_invalid'),
    );
    await expect(client.lease('orders')).rejects.toMatchObject({ code: 'run_token_invalid' });
    expect(server.received.map(({ headers }) => headers.authorization)).toEqual([
      undefined,
      'Bearer one',
      undefined,
      'Bearer two',
    ]);
  });
});

describe('a worker', () => {
  it('exchanges once for calls at the same time, saying which run, step, grant and credentials', async () => {
    const wanted = {
      runId: 'nightly 42',
      stepId: 'load',
      grant: 'nightly',
      credentials: ['orders'],
      tools: ['openai-chat'],
    };
    const { client, server } = await start(wanted, exchanged('one'), leased, leased);
    await Promise.all([client.lease('orders', { ttlSeconds: 60, stepId: 'x' }), client.lease('orders')]);
    expect(server.received.map(({ path }) => path)).toEqual(['/oauth2/token', '/v1/leases', '/v1/leases']);
    expect(Object.fromEntries(new URLSearchParams(server.received[0]?.body))).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: 'platform-token',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      scope: 'grant:nightly credential:orders tool:openai-chat',
      run_id: 'nightly 42',
      step_id: 'load',
    });
    expect(server.received.map(({ body }) => body)).toContain(
      '{"credential":"orders","ttl_seconds":60,"step_id":"x"}',
    );
  });

  it('asks for a fresh platform token at each attempt of an exchange', async () => {
    let asked = 0;
    const tokenSource = async (): Promise<string> => `token-${++asked}`;
    const { client, server } = await start({ tokenSource }, refused(503, 'overloaded'), exchanged('one'));
    await client.exchange();
    expect(server.received.map(({ body }) => new URLSearchParams(body).get('subject_token'))).toEqual([
      'token-1',
      'token-2',
    ]);
    expect(server.received[0]?.headers['idempotency-key']).toBeUndefined();
  });

  it('exchanges again before the run token expires, and lives on with the old one if that fails', async () => {
    const { client, server, surroundings } = await start(
      {},
      exchanged('one'),
      released,
      refused(403, 'grant_not_active'),
      released,
      exchanged('two'),
      released,
    );
    const id = leaseView().id;
    await client.releaseLease(id);
    await surroundings.advanceMs(545_000);
    await client.releaseLease(id);
    await client.releaseLease(id);
    expect(
      server.received.filter(({ method }) => method === 'DELETE').map(({ headers }) => headers.authorization),
    ).toEqual(['Bearer one', 'Bearer one', 'Bearer two']);
  });

  it('proves that it has the key with every request', async () => {
    const proofKey = await ProofKey.generate();
    const { client, server } = await start({ proofKey }, exchanged('one', 'DPoP'), released);
    await client.releaseLease(leaseView().id);
    const [exchange, release] = server.received;
    expect(release?.headers.authorization).toBe('DPoP one');
    const claims = [exchange, release].map((request) => {
      const [, payload = ''] = String(request?.headers['dpop']).split('.');
      return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
    });
    expect(claims[0]).toMatchObject({ htm: 'POST', htu: `${server.url}/oauth2/token` });
    expect(claims[0]).not.toHaveProperty('ath');
    expect(claims[1]).toMatchObject({ htm: 'DELETE', ath: expect.any(String) as string });
  });

  it('lets one caller give up while another waits for the same exchange', async () => {
    let answer = (): void => {};
    const slow: Reply = (_request, response) => {
      answer = () =>
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(JSON.stringify({ access_token: 'one', token_type: 'Bearer', expires_in: 600 }));
    };
    const { client, server } = await start({}, slow, leased);
    const abort = new AbortController();
    const impatient = client.lease('orders', { signal: abort.signal });
    const patient = client.lease('orders');
    while (server.received.length === 0) await new Promise((resolve) => setImmediate(resolve));
    abort.abort(new Error('enough'));
    await expect(impatient).rejects.toThrow('enough');
    answer();
    expect((await patient).credential).toBe('orders');
  });

  it('releases what it holds when disposed, and nothing after its run was closed', async () => {
    const { client, server, surroundings } = await start({}, exchanged('one'), leased, leased, released, {
      status: 200,
      body: { run: {}, leases: 1, proved: 1, outstanding: 0 },
    });
    const first = await client.lease('orders');
    await client.lease('orders');
    await first.release();
    await client.run.close();
    await client[Symbol.asyncDispose]();
    expect(server.received.map(({ method }) => method)).toEqual(['POST', 'POST', 'POST', 'DELETE', 'DELETE']);
    expect(surroundings.timers).toBe(0);
  });

  it('prints no token', async () => {
    const { client } = await start({}, exchanged('marker-token'));
    const token = await client.exchange();
    expect(
      inspect([client, token], { depth: 9, showHidden: true }) + JSON.stringify([client, token]),
    ).not.toContain('marker-token');
    expect(token.expose()).toBe('marker-token');
  });
});

describe('an admin', () => {
  it('goes through all pages and changes on top of what was read', async () => {
    const server = await scriptedServer(
      { status: 200, body: { items: [{ name: 'a' }], next_cursor: 'c1' } },
      { status: 200, body: { items: [{ name: 'b' }], next_cursor: null } },
      { status: 200, body: { name: 'a', version: 4 } },
    );
    closing.push(() => server.close());
    const admin = new AdminClient({ url: server.url, tokenSource: async () => 'admin' });
    const names: string[] = [];
    for await (const grant of admin.grants.all({ state: 'active' })) names.push(grant.name);
    await admin.credentials.change('a', { name: 'a', kind: 'database', mount: 'db', path: 'a' }, 3);
    expect(names).toEqual(['a', 'b']);
    expect(server.received.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /v1/grants?state=active',
      'GET /v1/grants?state=active&cursor=c1',
      'PUT /v1/credentials/a',
    ]);
    expect(server.received[2]?.headers['if-match']).toBe('"3"');
  });
});
