import { request as httpRequest, type ServerResponse } from 'node:http';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { LeasegateClient } from '../../../src/sdk/leasegate-client.js';
import { ProofKey } from '../../../src/sdk/proof-key.js';
import { until } from '../../support/until.js';
import { startUpstream, type Upstream } from '../../support/upstream.js';
import { startWorld, type World } from '../../support/world.js';
import { compileCli, type CompiledCli } from '../../unit/cli/compiled-cli.js';
import { start } from '../cli/program.js';

// The command line is a process, and the machine may be busy.
vi.setConfig({ testTimeout: 240_000 });

const REVISIONS = ['2026-07-28', '2025-11-25'] as const;
type Revision = (typeof REVISIONS)[number];
const AGENT = 'jobs/agent';

let world: World;
let upstream: Upstream;
let cli: CompiledCli;
/** Calls that the provider waits with and that were given up. */
let given = 0;
/** A stream that the provider has open. */
let streaming: ServerResponse | undefined;
const clients: Client[] = [];

beforeAll(async () => {
  cli = compileCli();
  [world, upstream] = await Promise.all([startWorld(), startUpstream()]);
  const { mount, path } = world.credentials.find(({ name }) => name === 'payments-api') ?? {};
  await world.addCredential({
    name: 'provider-key',
    kind: 'kv',
    mount: mount ?? '',
    path: path ?? '',
    deliveries: ['gateway'],
  });
  for (const [name, at] of [
    ['list-orders', '/v1/users/{user}/orders'],
    ['wait-for-orders', '/v1/users/{user}/wait'],
    ['drop-orders', '/v1/users/{user}/drop'],
    ['stream-orders', '/v1/users/{user}/stream'],
  ] as const) {
    const { status, body } = await world.call('POST', '/v1/tools', {
      token: await world.adminToken(),
      body: {
        name,
        method: 'GET',
        url: `${upstream.origin}${at}`,
        internal: true,
        ca_file: upstream.caFile,
        parameters: {
          path: { user: { schema: { type: 'string', maxLength: 20 } } },
          query: {
            limit: { schema: { type: 'integer', minimum: 1 } },
            kind: { schema: { type: 'string' } },
            region: { schema: { type: 'string' } },
          },
        },
        response: { stream: name === 'stream-orders' },
        credential: { name: 'provider-key', inject: { as: 'bearer', field: 'api_key' } },
      },
    });
    expect(body).toMatchObject({ name });
    expect(status).toBe(201);
  }
  await world.createGrant({
    name: 'agents',
    workload: { claims: { sub: AGENT } },
    credentials: [],
    tools: [
      {
        name: 'list-orders',
        constants: { '/query/region': 'eu' },
        allow: { '/query/kind': ['open', 'paid'] },
      },
      { name: 'wait-for-orders' },
      { name: 'stream-orders' },
    ],
  });
  upstream.json('GET', '/v1/users/u1/orders', { orders: [7] });
  upstream.on('GET', '/v1/users/u1/stream', ({ headers }, response) => {
    const key = String(headers['authorization']).slice('Bearer '.length);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`data: {"order":7,"key":"${key.slice(0, 9)}`);
    response.end(`${key.slice(9)}"}\n\ndata: [DONE]\n\n`);
  });
  // Begins, and goes on when the test says.
  upstream.on('GET', '/v1/users/u2/stream', ({ headers }, response) => {
    const key = String(headers['authorization']).slice('Bearer '.length);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`data: {"order":1,"key":"${key}"}\n\n`);
    response.once('close', () => {
      if (!response.writableFinished) given += 1;
    });
    streaming = response;
  });
  // Never answers.
  upstream.on('GET', '/v1/users/u1/wait', (_request, response) => {
    response.once('close', () => (given += 1));
  });
});

afterAll(async () => {
  await Promise.all(clients.map((client) => client.close().catch(() => undefined)));
  await world.stop();
  await upstream.stop();
  cli.remove();
});

async function token(runId: string): Promise<string> {
  return world.runToken({ runId, subjectToken: await world.workerToken({ sub: AGENT }) });
}

function newClient(revision: Revision): Client {
  const mode = revision === '2025-11-25' ? 'legacy' : { pin: revision };
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } });
  clients.push(client);
  return client;
}

/** The official client over streamable HTTP. */
async function connected(revision: Revision, runId: string): Promise<Client> {
  const client = newClient(revision);
  const headers = { authorization: `Bearer ${await token(runId)}` };
  await client.connect(
    new StreamableHTTPClientTransport(new URL('/mcp', world.baseUrl), { requestInit: { headers } }),
  );
  return client;
}

/** The official client over `leasegate mcp`. */
async function piped(revision: Revision, runId: string): Promise<Client> {
  const client = newClient(revision);
  const { PATH = '' } = process.env;
  const env = {
    PATH,
    LEASEGATE_URL: world.baseUrl,
    LEASEGATE_OIDC_TOKEN: await world.workerToken({ sub: AGENT }),
  };
  const args = [cli.bin, 'mcp', '--run-id', runId, '--step-id', 'ask'];
  await client.connect(new StdioClientTransport({ command: process.execPath, args, env, stderr: 'pipe' }));
  return client;
}

async function cancelsAtProvider(client: Client): Promise<void> {
  const stop = new AbortController();
  const seen = upstream.requests.length;
  const call = { name: 'wait-for-orders', arguments: { user: 'u1' } };
  const refused = expect(client.callTool(call, { signal: stop.signal })).rejects.toThrow();
  await until(() => upstream.requests.length > seen);
  const before = given;
  stop.abort();
  await refused;
  await until(() => given > before, { what: 'the end of the call at the provider' });
}

interface Seen {
  readonly code?: string;
  readonly tool?: { readonly name: string };
  readonly data: Readonly<Record<string, unknown>>;
}

async function events(kind: string, runId?: string): Promise<readonly Seen[]> {
  const query = new URLSearchParams({ kind, ...(runId === undefined ? {} : { run: runId }) });
  const token = await world.adminToken(['auditor']);
  const { body } = await world.call('GET', `/v1/audit/events?${query.toString()}`, { token });
  return (body as { items: { event: Seen }[] }).items.map(({ event }) => event);
}

const textOf = (result: { content: unknown }): string =>
  (result.content as { text: string }[])[0]?.text ?? '';

describe('refused', () => {
  const post = (headers: Record<string, string>): Promise<Response> =>
    fetch(new URL('/mcp', world.baseUrl), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
    });

  it('a stranger, who learns where tokens come from, and is recorded', async () => {
    for (const headers of [{}, { authorization: `Bearer ${await world.workerToken({ sub: AGENT })}` }]) {
      const answer = await post(headers);
      expect(answer.status).toBe(401);
      const [, metadata = ''] =
        /resource_metadata="([^"]+)"/.exec(answer.headers.get('www-authenticate') ?? '') ?? [];
      const { pathname } = new URL(metadata);
      expect(pathname).toBe('/.well-known/oauth-protected-resource/mcp');
      const { body } = await world.call('GET', pathname);
      expect(body).toMatchObject({
        resource: metadata.replace('/.well-known/oauth-protected-resource', ''),
        bearer_methods_supported: ['header'],
      });
    }
    const missing = await until(async () => {
      const found = await events('call.refused');
      return found.length >= 2 ? found : undefined;
    });
    expect(new Set(missing.map(({ code }) => code))).toEqual(new Set(['run_identity_missing']));
    await until(async () =>
      (await events('alert.fired')).some(({ data }) => data['rule'] === 'call-without-run'),
    );
  });

  it('a page in a browser, and a name that is not ours', async () => {
    const authorization = `Bearer ${await token('run-browser')}`;
    expect((await post({ authorization, origin: 'https://evil.example' })).status).toBe(403);
    const { port } = new URL(world.baseUrl);
    const status = await new Promise((resolve, reject) => {
      httpRequest(
        {
          port,
          path: '/mcp',
          method: 'POST',
          headers: { host: 'evil.example', authorization, 'content-type': 'application/json' },
        },
        (answer) => resolve(answer.resume().statusCode),
      )
        .on('error', reject)
        .end('{}');
    });
    expect(status).toBe(403);
  });

  it('what sessions would need', async () => {
    for (const method of ['GET', 'DELETE']) {
      const answer = await fetch(new URL('/mcp', world.baseUrl), { method });
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
    }
  });

  it('leasegate mcp without a grant: each request is answered with the code', async () => {
    const { stdout, exitCode } = await start(
      cli,
      ['mcp', '--run-id', 'run-x', '--step-id', 's'],
      {
        LEASEGATE_URL: world.baseUrl,
        LEASEGATE_OIDC_TOKEN: await world.workerToken({ sub: 'jobs/stranger' }),
      },
      '{"jsonrpc":"2.0","id":1,"method":"tools/list"}\n',
    ).ended();
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ id: 1, error: { data: { code: 'grant_not_found' } } });
  });
});

it('takes a token that is bound to a key, by way of the SDK', async () => {
  const leasegate = new LeasegateClient({
    url: world.baseUrl,
    tokenSource: () => world.workerToken({ sub: AGENT }),
    runId: 'run-bound',
    stepId: 'ask',
    proofKey: await ProofKey.generate(),
  });
  const client = newClient('2026-07-28');
  const options = { fetch: leasegate.fetch };
  await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', world.baseUrl), options));
  expect(
    textOf(await client.callTool({ name: 'list-orders', arguments: { user: 'u1', kind: 'open' } })),
  ).toBe('{"orders":[7]}');
  const stolen = (await leasegate.runToken()).expose();
  const { status } = await world.call('POST', '/mcp', { token: stolen, body: {} });
  expect(status).toBe(401);
});

describe.each(REVISIONS)('a client of %s', (revision) => {
  it('gets refusals as errors of tools', async () => {
    const client = await connected(revision, `run-refused-${revision}`);
    const call = (name: string, args: Record<string, unknown>): Promise<Record<string, unknown>> =>
      client.callTool({ name, arguments: args });
    const before = upstream.requests.length;
    for (const [name, given, code, field] of [
      ['list-orders', { user: '../admin', kind: 'open' }, 'parameter_refused', '/user'],
      ['list-orders', { user: 'u1', kind: 'all' }, 'parameter_refused', '/kind'],
      ['list-orders', { user: 'u1', kind: 'open', region: 'us' }, 'parameter_refused', '/region'],
      ['list-orders', { user: 'u1', kind: 'open', other: 1 }, 'parameter_unknown', '/other'],
      ['drop-orders', { user: 'u1' }, 'tool_not_granted', 'tool'],
      ['no-such-tool', {}, 'tool_not_granted', 'tool'],
    ] as const) {
      const result = await call(name, given);
      expect(result['isError'], code).toBe(true);
      expect(result['_meta']).toMatchObject({ 'leasegate/refusal': { code, field } });
    }
    expect(upstream.requests.length).toBe(before);
    await until(async () => (await events('call.refused', `run-refused-${revision}`)).length === 6);
  });

  it('sees the tools as the grant leaves them, and calls one with a credential that it never sees', async () => {
    const runId = `run-calls-${revision}`;
    const client = await connected(revision, runId);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(['list-orders', 'stream-orders', 'wait-for-orders']);
    expect(tools[0]?.inputSchema).toMatchObject({
      properties: { user: {}, limit: {}, kind: { enum: ['open', 'paid'] } },
      required: ['user', 'kind'],
    });
    expect(tools[0]?.inputSchema.properties).not.toHaveProperty('region');
    const result = await client.callTool({
      name: 'list-orders',
      arguments: { user: 'u1', kind: 'open', limit: 2 },
    });
    expect(textOf(result)).toBe('{"orders":[7]}');
    const seen = upstream.requests.at(-1);
    expect(seen?.path).toContain('region=eu');
    expect(seen?.headers['authorization']).toMatch(/^Bearer key-/);
    expect(JSON.stringify(result)).not.toContain('key-');
    const [started] = await until(async () => {
      const found = await events('call.started', runId);
      const ended = await events('call.ended', runId);
      return found.length > 0 && ended.length > 0 ? found : undefined;
    });
    expect(started?.tool).toMatchObject({ name: 'list-orders' });
  });

  it('gets a stream as a whole, scrubbed where the key was cut in two', async () => {
    const client = await connected(revision, `run-streams-${revision}`);
    const result = await client.callTool({ name: 'stream-orders', arguments: { user: 'u1' } });
    expect(textOf(result)).toBe('data: {"order":7,"key":"[redacted:credential]"}\n\ndata: [DONE]\n\n');
    expect(result._meta).toMatchObject({
      'leasegate/call': { findings: [{ kind: 'credential', count: 1 }] },
    });
  });

  it('that asks for progress is told of a stream as it comes, scrubbed; cancelling ends it at the provider', async () => {
    const client = await connected(revision, `run-progress-${revision}`);
    const call = { name: 'stream-orders', arguments: { user: 'u2' } };
    let said = '';
    const onprogress = ({ message = '' }: { message?: string | undefined }): void => void (said += message);
    const result = client.callTool(call, { onprogress });
    await until(() => said !== '', { what: 'the first event' });
    expect(said).toBe('{"order":1,"key":"[redacted:credential]"}\n');
    streaming?.end('data: {"order":2}\n\n');
    expect(textOf(await result)).toBe(
      'data: {"order":1,"key":"[redacted:credential]"}\n\ndata: {"order":2}\n\n',
    );
    expect(said).toContain('{"order":2}');

    said = '';
    const stop = new AbortController();
    const refused = expect(client.callTool(call, { onprogress, signal: stop.signal })).rejects.toThrow();
    await until(() => said !== '');
    const before = given;
    stop.abort();
    await refused;
    await until(() => given > before, { what: 'the end of the call at the provider' });
  });

  it('that cancels a call ends it at the provider', async () => {
    const client = await connected(revision, `run-cancels-${revision}`);
    await cancelsAtProvider(client);
  });

  it('is told when its run is closed under an open call', async () => {
    const runId = `run-closes-${revision}`;
    const client = await connected(revision, runId);
    const seen = upstream.requests.length;
    const result = client.callTool({ name: 'wait-for-orders', arguments: { user: 'u1' } });
    await until(() => upstream.requests.length > seen);
    const closed = await world.call('DELETE', '/v1/runs/self', { token: await token(runId) });
    expect(closed.status).toBe(200);
    expect(await result).toMatchObject({
      isError: true,
      _meta: { 'leasegate/refusal': { code: 'run_closed' } },
    });
  });

  it('works over leasegate mcp, which a cancelled call ends at the provider, too', async () => {
    const client = await piped(revision, `run-piped-${revision}`);
    expect((await client.listTools()).tools).toHaveLength(3);
    expect(
      textOf(await client.callTool({ name: 'list-orders', arguments: { user: 'u1', kind: 'paid' } })),
    ).toBe('{"orders":[7]}');
    await cancelsAtProvider(client);
  });
});
