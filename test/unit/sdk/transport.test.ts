import { afterEach, describe, expect, it } from 'vitest';
import { apiPath } from '../../../src/sdk/api-request.js';
import { machine } from '../../../src/sdk/surroundings.js';
import { Transport } from '../../../src/sdk/transport.js';
import { scriptedServer, type Reply } from './scripted-server.js';
import { TestSurroundings } from './test-surroundings.js';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const lost: Reply = (request) => request.socket.destroy();
const problem = (status: number, code: string, headers: Record<string, string> = {}): Reply => ({
  status,
  headers,
  body: { type: 'about:blank', title: 'No.', status, code, detail: 'It did not go.', reference: 'ref-1' },
});

async function start(...replies: Reply[]) {
  const server = await scriptedServer(...replies);
  closing.push(() => server.close());
  const surroundings = new TestSurroundings();
  return { server, surroundings, transport: new Transport({ url: server.url, surroundings }) };
}

describe('refusals and faults', () => {
  it('reports a problem with code, status, reference and field, and does not repeat it', async () => {
    const { server, transport } = await start({
      status: 422,
      body: {
        code: 'ttl_refused',
        detail: 'Too long.',
        reference: 'ref-9',
        field: '/ttl_seconds',
        errors: [{ field: '/a', message: 'b' }],
      },
    });
    await expect(transport.json({ method: 'POST', path: '/v1/leases', body: {} })).rejects.toMatchObject({
      code: 'ttl_refused',
      status: 422,
      reference: 'ref-9',
      field: '/ttl_seconds',
      errors: [{ field: '/a', message: 'b' }],
      retryable: false,
    });
    expect(server.received).toHaveLength(1);
  });

  it('reads OAuth errors', async () => {
    const { transport } = await start({
      status: 400,
      body: {
        error: 'invalid_request',
        error_description: 'No run.',
        code: 'run_identity_missing',
        reference: 'r',
      },
    });
    await expect(transport.json({ method: 'POST', path: '/oauth2/token' })).rejects.toMatchObject({
      code: 'run_identity_missing',
      detail: 'No run.',
    });
  });

  it('says so when something else answers, whatever its status', async () => {
    const html: Reply = (_request, response) => response.writeHead(200).end('<html>');
    const { transport } = await start({ status: 404, body: 'no' }, html);
    const unexpected = { code: 'broker_answer_unexpected' };
    await expect(transport.json({ method: 'GET', path: '/x' })).rejects.toMatchObject(unexpected);
    await expect(transport.json({ method: 'GET', path: '/x' })).rejects.toMatchObject(unexpected);
  });

  it('never follows a redirect, which would carry the token elsewhere', async () => {
    const elsewhere = await start({ status: 200, body: {} });
    const { transport } = await start({ status: 307, headers: { location: elsewhere.server.url } });
    await expect(
      transport.json({ method: 'GET', path: '/v1/whoami' }, async () => ({ authorization: 'Bearer t' })),
    ).rejects.toMatchObject({ code: 'broker_answer_unexpected', status: 307 });
    expect(elsewhere.server.received).toHaveLength(0);
  });

  it('stops at once when the caller gives up', async () => {
    const never: Reply = () => {};
    const { transport, server } = await start(never);
    const abort = new AbortController();
    const call = transport.json({ method: 'GET', path: '/x', signal: abort.signal });
    while (server.received.length === 0) await new Promise((resolve) => setImmediate(resolve));
    abort.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
  });

  it('gives up on an attempt that takes too long', async () => {
    const never: Reply = () => {};
    const server = await scriptedServer(never);
    closing.push(() => server.close());
    const retry = { attempts: 1, baseMs: 1, maxMs: 1 };
    const transport = new Transport({ url: server.url, timeoutMs: 50, retry, surroundings: machine });
    await expect(transport.json({ method: 'GET', path: '/x' })).rejects.toMatchObject({
      code: 'broker_timeout',
      status: 0,
    });
  });

  it('says that nothing listens there', async () => {
    const { server, transport } = await start();
    await server.close();
    await expect(transport.json({ method: 'GET', path: '/x' })).rejects.toMatchObject({
      code: 'broker_unreachable',
      detail: expect.stringContaining('ECONNREFUSED') as string,
    });
  });

  it('does not repeat a change whose answer was lost', async () => {
    const { server, transport } = await start(lost, { status: 200, body: {} });
    await expect(transport.json({ method: 'PUT', path: '/x', body: {}, ifMatch: 3 })).rejects.toMatchObject({
      code: 'broker_unreachable',
    });
    expect(server.received.map(({ headers }) => headers['if-match'])).toEqual(['"3"']);
  });

  it.each(['', '.', '..'])('makes no path of %j', (value) => {
    expect(() => apiPath`/v1/leases/${value}/renew`).toThrow(TypeError);
  });

  it.each(['file:///etc/passwd', 'not a url'])('takes no broker at %s', (url) => {
    expect(() => new Transport({ url })).toThrow();
  });
});

describe('retries', () => {
  it('tries again after overload, waiting as long as asked, with one key and a fresh authorisation each', async () => {
    const { server, surroundings, transport } = await start(
      problem(503, 'overloaded', { 'retry-after': '3' }),
      problem(429, 'rate_limited'),
      lost,
      { status: 201, body: { ok: true } },
    );
    let attempts = 0;
    const { body } = await transport.json<{ ok: boolean }>(
      { method: 'POST', path: '/v1/leases', body: { credential: 'orders' } },
      async () => ({ authorization: `Bearer ${++attempts}` }),
    );
    expect(body).toEqual({ ok: true });
    expect(surroundings.waits).toEqual([3_050, 300, 600]);
    expect(new Set(server.received.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
    expect(server.received.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer 1',
      'Bearer 2',
      'Bearer 3',
      'Bearer 4',
    ]);
  });

  it('gives up after the last attempt with the last reason', async () => {
    const { server, transport } = await start(
      ...Array.from({ length: 6 }, () => problem(503, 'vault_sealed')),
    );
    await expect(transport.json({ method: 'GET', path: '/x' })).rejects.toMatchObject({
      code: 'vault_sealed',
      retryable: true,
    });
    expect(server.received).toHaveLength(5);
  });
});

it('encodes what goes into a path or a query', async () => {
  const { server, transport } = await start({ status: 200, body: {} });
  await transport.json({
    method: 'GET',
    path: apiPath`/v1/grants/${'a/../b?c'}`,
    query: { kind: ['x', 'y'], all: true, none: undefined },
  });
  expect(server.received[0]?.path).toBe('/v1/grants/a%2F..%2Fb%3Fc?kind=x&kind=y&all=true');
});
