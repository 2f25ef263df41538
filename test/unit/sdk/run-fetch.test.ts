import { afterEach, describe, expect, it } from 'vitest';
import { LeasegateClient, type LeasegateClientOptions } from '../../../src/sdk/leasegate-client.js';
import { ProofKey } from '../../../src/sdk/proof-key.js';
import { scriptedServer, type Reply } from './scripted-server.js';
import { TestSurroundings } from './test-surroundings.js';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const exchanged = (token: string, type = 'Bearer'): Reply => ({
  status: 200,
  body: { access_token: token, token_type: type, expires_in: 600, scope: '' },
});
const stale: Reply = {
  status: 401,
  headers: { 'www-authenticate': 'Bearer realm="leasegate", error_description="run_token_expired"' },
};
const done: Reply = { status: 200, body: { done: true } };

async function start(options: Partial<LeasegateClientOptions>, ...replies: Reply[]) {
  const server = await scriptedServer(...replies);
  closing.push(() => server.close());
  const client = new LeasegateClient({
    url: server.url,
    surroundings: new TestSurroundings(),
    tokenSource: async () => 'platform-token',
    ...options,
  });
  return { server, client };
}

describe('the run token', () => {
  it('goes to no other origin', async () => {
    const { client, server } = await start({});
    for (const url of ['https://provider.example/v1', server.url.replace('127.0.0.1', 'localhost')])
      await expect(client.fetch(url)).rejects.toThrow(TypeError);
    expect(server.received).toHaveLength(0);
  });

  it('follows no redirect', async () => {
    const { client, server } = await start({}, exchanged('t1'), {
      status: 307,
      headers: { location: 'https://provider.example/' },
    });
    expect((await client.fetch(`${server.url}/g/x`)).status).toBe(307);
  });

  it('replaces whatever key a client sends', async () => {
    const { client, server } = await start({}, exchanged('t1'), done);
    await client.fetch(new URL('/g/openai/v1/models', server.url), {
      headers: { Authorization: 'Bearer unused' },
    });
    expect(server.received[1]).toMatchObject({
      path: '/g/openai/v1/models',
      headers: { authorization: 'Bearer t1' },
    });
  });

  it('is proved anew for each request when it is bound to a key', async () => {
    const proofKey = await ProofKey.generate();
    const { client, server } = await start({ proofKey }, exchanged('t1', 'DPoP'), done, done);
    for (const path of ['/mcp', '/mcp'])
      await client.fetch(`${server.url}${path}`, { method: 'POST', body: '{}' });
    const [, first, second] = server.received;
    expect(first?.headers.authorization).toBe('DPoP t1');
    const [, claims = ''] = String(first?.headers['dpop']).split('.');
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
      htm: 'POST',
      htu: `${server.url}/mcp`,
    });
    expect(first?.headers['dpop']).not.toBe(second?.headers['dpop']);
  });
});

describe('a token that the broker takes no more', () => {
  it('is exchanged anew, once, and the request sent again', async () => {
    const { client, server } = await start({}, exchanged('t1'), stale, exchanged('t2'), stale);
    expect((await client.fetch(`${server.url}/mcp`, { method: 'POST', body: '{"a":1}' })).status).toBe(401);
    expect(server.received.map(({ path }) => path)).toEqual([
      '/oauth2/token',
      '/mcp',
      '/oauth2/token',
      '/mcp',
    ]);
    expect(server.received[3]).toMatchObject({ headers: { authorization: 'Bearer t2' }, body: '{"a":1}' });
  });

  it('is answered as it is where the body was a stream', async () => {
    const { client, server } = await start({}, exchanged('t1'), stale);
    const body = new Blob(['{}']).stream();
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit;
    expect((await client.fetch(`${server.url}/mcp`, init)).status).toBe(401);
    expect(server.received).toHaveLength(2);
  });
});

it('is not exchanged for refusals of another kind', async () => {
  const { client, server } = await start({}, exchanged('t1'), { status: 401, body: { code: 'x' } });
  expect((await client.fetch(`${server.url}/g/x`)).status).toBe(401);
  expect(server.received).toHaveLength(2);
});
