import type { Client } from '@modelcontextprotocol/client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BrokerError } from '../../../../src/kernel/broker-error.js';
import { until } from '../../../support/until.js';
import { jsonAnswer, McpServer, type Provider } from './mcp-server.js';

const ORDERS = {
  name: 'list-orders',
  description: 'Orders of a user.',
  method: 'GET',
  url: 'https://api.example.com/v1/users/{user}/orders',
  parameters: {
    path: { user: { schema: { type: 'string' } } },
    query: { limit: { schema: { type: 'integer' } } },
  },
  response: { schema: { type: 'object', properties: { orders: { type: 'array' } }, required: ['orders'] } },
} as const;

let provider: Provider;
const server = new McpServer([ORDERS], (wanted, signal) => provider(wanted, signal));
const clients: Client[] = [];

async function client(revision: '2025-11-25' | '2026-07-28'): Promise<Client> {
  const connected = await server.client(revision);
  clients.push(connected);
  return connected;
}

beforeAll(() => server.listen());
afterEach(async () => {
  await Promise.all(clients.splice(0).map((each) => each.close()));
  server.calls.length = 0;
  server.codes.length = 0;
  server.listFails = undefined;
});
afterAll(() => server.close());

describe.each(['2026-07-28', '2025-11-25'] as const)('a client of %s', (revision) => {
  it('sees a refusal as an error of the tool, by its code and its own field', async () => {
    provider = async () => {
      throw new BrokerError('request_invalid', { field: '/query/limit', detail: 'is not an integer' });
    };
    const result = await (
      await client(revision)
    ).callTool({
      name: 'list-orders',
      arguments: { user: 'u1', limit: 'many' },
    });
    expect(result).toMatchObject({
      isError: true,
      content: [{ type: 'text', text: 'request_invalid: is not an integer\nfield: /limit' }],
      _meta: { 'leasegate/refusal': { code: 'request_invalid', field: '/limit', reference: 'request-1' } },
    });
    await until(() => server.codes.includes('request_invalid'), { what: 'the code in the log line' });
  });

  it('learns nothing from what fails inside', async () => {
    provider = async () => {
      throw new Error('password=hunter2');
    };
    const result = await (await client(revision)).callTool({ name: 'list-orders', arguments: { user: 'u' } });
    expect(JSON.stringify(result)).not.toContain('hunter2');
    expect(result).toMatchObject({
      isError: true,
      _meta: { 'leasegate/refusal': { code: 'internal_error' } },
    });
  });

  it('is told by code why there is no list', async () => {
    const connected = await client(revision);
    server.listFails = new BrokerError('grant_not_active');
    await expect(connected.listTools()).rejects.toMatchObject({
      message: expect.stringContaining('grant_not_active: ') as string,
      data: { 'leasegate/refusal': { code: 'grant_not_active', reference: 'request-1' } },
    });
    server.listFails = new Error('password=hunter2');
    const refused = (await connected.listTools().catch((error: unknown) => error)) as Error;
    expect(refused.message).toContain('internal_error');
    expect(refused.message).not.toContain('hunter2');
  });

  it('calls a tool that is not its own like any other, for the gateway to refuse', async () => {
    provider = async () => {
      throw new BrokerError('not_found');
    };
    const result = await (await client(revision)).callTool({ name: 'drop-orders', arguments: { all: true } });
    expect(result.isError).toBe(true);
    expect(server.calls).toMatchObject([{ tool: 'drop-orders', arguments: {}, route: 'POST /mcp' }]);
  });

  it('lists the tools, calls one, and gets text and structure', async () => {
    provider = async ({ tool }) => jsonAnswer(tool, { orders: [1, 2] });
    const connected = await client(revision);
    expect(connected.getServerVersion()).toMatchObject({ name: 'leasegate' });
    const { tools } = await connected.listTools();
    expect(tools).toMatchObject([
      {
        name: 'list-orders',
        description: 'Orders of a user.',
        inputSchema: { required: ['user'], additionalProperties: false },
        outputSchema: ORDERS.response.schema,
        annotations: { readOnlyHint: true, openWorldHint: true },
      },
    ]);
    const result = await connected.callTool({ name: 'list-orders', arguments: { user: 'u1', limit: 2 } });
    expect(result.isError).toBeUndefined();
    expect(result.content).toEqual([{ type: 'text', text: '{"orders":[1,2]}' }]);
    expect(result.structuredContent).toEqual({ orders: [1, 2] });
    expect(result._meta).toMatchObject({ 'leasegate/call': { id: 'call-1', status: 200 } });
    expect(server.calls).toEqual([
      {
        tool: 'list-orders',
        arguments: { path: { user: 'u1' }, query: { limit: 2 }, header: {} },
        stepId: undefined,
        route: 'POST /mcp',
      },
    ]);
  });

  it('cancels a call, which ends it at the provider', async () => {
    let signal: AbortSignal | undefined;
    provider = (_wanted, given) =>
      new Promise((_resolve, reject) => {
        signal = given;
        given.addEventListener('abort', () => reject(new Error('aborted')));
      });
    const stop = new AbortController();
    const result = (await client(revision)).callTool(
      { name: 'list-orders', arguments: { user: 'u' } },
      { signal: stop.signal },
    );
    const refused = expect(result).rejects.toThrow();
    await until(() => signal !== undefined, { what: 'the call' });
    stop.abort();
    await refused;
    await until(() => signal?.aborted === true, { what: 'the end of the call' });
    expect(server.requests.cancel('token-1', 1)).toBe(false);
  });

  it('that goes away takes its call with it', async () => {
    let signal: AbortSignal | undefined;
    provider = (_wanted, given) =>
      new Promise((_resolve, reject) => {
        signal = given;
        given.addEventListener('abort', () => reject(new Error('aborted')));
      });
    const connected = await client(revision);
    const gone = connected.callTool({ name: 'list-orders', arguments: { user: 'u' } }).catch(() => 'gone');
    await until(() => signal !== undefined, { what: 'the call' });
    await connected.close();
    expect(await gone).toBe('gone');
    await until(() => signal?.aborted === true, { what: 'the end of the call' });
  });
});

describe('a message', () => {
  const post = (body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(server.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      },
      body: JSON.stringify(body),
    });
  const envelope = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };

  it('of a revision that is not spoken is refused with those that are', async () => {
    const answer = await post(
      {
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/list',
        params: { _meta: { ...envelope, 'io.modelcontextprotocol/protocolVersion': '2031-01-01' } },
      },
      { 'mcp-protocol-version': '2031-01-01', 'mcp-method': 'tools/list' },
    );
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ id: 1, error: { data: { supported: ['2026-07-28'] } } });
  });

  it('whose headers say another thing than its body is refused', async () => {
    const answer = await post(
      { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'list-orders', _meta: envelope } },
      { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'another' },
    );
    expect(answer.status).toBe(400);
    expect(server.calls).toEqual([]);
  });

  it('to subscribe is refused: nothing is announced', async () => {
    const answer = await post(
      {
        jsonrpc: '2.0',
        id: 1,
        method: 'subscriptions/listen',
        params: { notifications: { toolsListChanged: true }, _meta: envelope },
      },
      { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'subscriptions/listen' },
    );
    expect(await answer.json()).toMatchObject({ id: 1, error: {} });
  });

  it('names the step of its call in a header', async () => {
    provider = async ({ tool }) => jsonAnswer(tool, {});
    const params = { name: 'list-orders', arguments: { user: 'u' } };
    await (
      await post({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }, { 'leasegate-step': 'ask' })
    ).text();
    expect(server.calls).toMatchObject([{ tool: 'list-orders', stepId: 'ask' }]);
  });

  it('that is no JSON-RPC is refused', async () => {
    expect((await post({ hello: 1 })).status).toBe(400);
    expect((await post([])).status).toBe(400);
  });
});
