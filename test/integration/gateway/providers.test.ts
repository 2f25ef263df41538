import Anthropic from '@anthropic-ai/sdk';
import { Octokit } from '@octokit/rest';
import OpenAI from 'openai';
import Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { request, type ServerResponse } from 'node:http';
import { fieldsOf, GatewayWorld } from './gateway-world.js';

const object = (properties: Readonly<Record<string, unknown>>, required: readonly string[] = []) => ({
  type: 'object',
  properties,
  required,
});
const text = { type: 'string' };
const messages = { type: 'array', items: object({ role: text, content: text }) };
const labels = (provider: string) => ({ labels: { provider } });

let world: GatewayWorld;
let token: string;
/** The broker as the base URL of a provider. */
const at = (provider: string): string => `${world.broker.baseUrl}/g/${provider}`;

function events(response: ServerResponse, lines: readonly string[]): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  for (const line of lines) response.write(`${line}\n\n`);
  response.end();
}

beforeAll(async () => {
  world = await GatewayWorld.start();
  await world.tools(
    {
      ...labels('openai'),
      name: 'openai-chat',
      method: 'POST',
      path: '/v1/chat/completions',
      parameters: {
        body: {
          schema: object(
            {
              model: { enum: ['gpt-small'] },
              messages,
              stream: { type: 'boolean' },
              stream_options: object({ include_usage: { type: 'boolean' } }),
            },
            ['model', 'messages'],
          ),
        },
      },
      response: { stream: true },
      cost: {
        by: 'response',
        reserve_micros: 1_000,
        units: [
          {
            name: 'output',
            pointer: '/usage/completion_tokens',
            prices: [{ from: '2026-01-01', micros_per_unit: 2 }],
          },
        ],
      },
    },
    { ...labels('openai'), name: 'openai-models', path: '/v1/models' },
    {
      ...labels('anthropic'),
      name: 'anthropic-messages',
      method: 'POST',
      path: '/v1/messages',
      credential: { name: 'provider', inject: { as: 'header', name: 'x-api-key' } },
      parameters: {
        header: { 'anthropic-version': { schema: text, required: true } },
        body: {
          schema: object({
            model: text,
            max_tokens: { type: 'integer' },
            messages,
            stream: { type: 'boolean' },
          }),
        },
      },
      response: { stream: true },
    },
    {
      ...labels('stripe'),
      name: 'stripe-customer',
      method: 'POST',
      path: '/v1/customers',
      parameters: {
        body: {
          content_type: 'application/x-www-form-urlencoded',
          schema: object({ name: text, description: text }),
        },
      },
    },
    {
      ...labels('stripe'),
      name: 'stripe-charge',
      path: '/v1/charges/{id}',
      parameters: { path: { id: { schema: { type: 'string', pattern: '^ch_[a-z0-9]+$' } } } },
    },
    {
      ...labels('github'),
      name: 'github-issue',
      path: '/repos/{owner}/{repo}/issues/{number}',
      parameters: {
        path: { owner: { schema: text }, repo: { schema: text }, number: { schema: { type: 'integer' } } },
      },
      response: { headers: ['x-github-media-type'] },
    },
  );
  const { upstream } = world;
  upstream.on('POST', '/v1/chat/completions', ({ body }, response) => {
    const { stream } = JSON.parse(body.toString('utf8')) as { stream?: boolean };
    const chunk = (more: object): string =>
      `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'gpt-small', choices: [], ...more })}`;
    if (stream === true) {
      const said = (content: string): string => chunk({ choices: [{ index: 0, delta: { content } }] });
      events(response, [
        said('Hel'),
        said('lo'),
        chunk({ usage: { completion_tokens: 21 } }),
        'data: [DONE]',
      ]);
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(
      JSON.stringify({
        id: 'c',
        object: 'chat.completion',
        created: 1,
        model: 'gpt-small',
        choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
        usage: { completion_tokens: 7 },
      }),
    );
  });
  upstream.json('GET', '/v1/models', { object: 'list', data: [{ id: 'gpt-small' }] });
  upstream.on('POST', '/v1/messages', ({ body }, response) => {
    const message = {
      id: 'm',
      type: 'message',
      role: 'assistant',
      model: 'claude',
      content: [] as unknown[],
    };
    if ((JSON.parse(body.toString('utf8')) as { stream?: boolean }).stream === true) {
      const event = (type: string, more: object): string =>
        `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}`;
      events(response, [
        event('message_start', { message: { ...message, usage: { input_tokens: 3, output_tokens: 1 } } }),
        event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
        event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'Hello' } }),
        event('content_block_stop', { index: 0 }),
        event('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 9 } }),
        event('message_stop', {}),
      ]);
      return;
    }
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(
        JSON.stringify({ ...message, content: [{ type: 'text', text: 'Hello' }], stop_reason: 'end_turn' }),
      );
  });
  upstream.on('POST', '/v1/customers', ({ body }, response) => {
    const name = new URLSearchParams(body.toString('utf8')).get('name');
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ id: 'cus_1', object: 'customer', name }));
  });
  upstream.json('GET', '/v1/charges/ch_1', { id: 'ch_1', object: 'charge', amount: 5 });
  upstream.on('GET', '/repos/acme/shop/issues/7', (_, response) => {
    const headers = { 'content-type': 'application/json; charset=utf-8', 'x-github-media-type': 'github.v3' };
    response.writeHead(200, headers).end(JSON.stringify({ number: 7, title: 'A title' }));
  });
  token = await world.runWith('sdks', [
    'openai-chat',
    'openai-models',
    'anthropic-messages',
    'stripe-customer',
    'stripe-charge',
    'github-issue',
  ]);
}, 240_000);
afterAll(() => world.stop());

/** The status of a GET whose path is sent as it stands, which `fetch` would not do. */
function rawStatus(path: string): Promise<number | undefined> {
  const { hostname, port } = new URL(world.broker.baseUrl);
  const headers = { authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    request({ hostname, port, path, headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    })
      .on('error', reject)
      .end();
  });
}

/** What the provider saw last. */
function seen(): { readonly key: unknown; readonly path: string | undefined } {
  const request = world.upstream.requests.at(-1);
  return { key: request?.headers['authorization'] ?? request?.headers['x-api-key'], path: request?.path };
}

describe("a provider's own client, with base URL and key changed", () => {
  it('is refused what the grant does not have, and is told so', async () => {
    const get = async (path: string, init: RequestInit = {}): Promise<unknown> => {
      const headers = { authorization: `Bearer ${token}`, ...(init.headers as object) };
      const answer = await fetch(`${world.broker.baseUrl}${path}`, { ...init, headers });
      return [answer.status, ((await answer.json()) as { code?: string }).code];
    };
    const before = world.upstream.requests.length;
    expect(await get('/g/openai/v1/files')).toEqual([403, 'tool_not_granted']);
    expect(await get('/g/nobody/v1/models')).toEqual([403, 'tool_not_granted']);
    expect(await get('/g/openai/v1/models', { method: 'DELETE' })).toEqual([403, 'tool_not_granted']);
    expect(await get('/g/openai/v1/models?limit=5')).toEqual([422, 'parameter_unknown']);
    for (const odd of ['/v1/%2e%2e/v1/models', '/v1/../v1/models', '/v1/.%2fmodels', '/v1/models/..;/models'])
      expect([odd, await rawStatus(`/g/openai${odd}`)]).toEqual([odd, 403]);
    expect(await get('/g/openai//v1/models')).toEqual([403, 'tool_not_granted']);
    expect(await get('/g/openai/v1/models', { headers: { authorization: 'Bearer sk-own-key' } })).toEqual([
      400,
      'run_identity_missing',
    ]);
    expect(await get('/g/openai/v1/models', { headers: { 'leasegate-step': '' } })).toEqual([
      400,
      'run_identity_missing',
    ]);
    const client = new OpenAI({ baseURL: `${at('openai')}/v1`, apiKey: token, maxRetries: 0 });
    const big = client.chat.completions.create({ model: 'gpt-large', messages: [] });
    await expect(big).rejects.toMatchObject({ status: 422 });
    expect(world.upstream.requests).toHaveLength(before);
    const refusals = await world.events(12, ({ kind }) => kind === 'call.refused');
    expect(refusals).toHaveLength(12);
  });

  it('works: curl', async () => {
    const answer = await fetch(`${at('openai-models')}/v1/models`, {
      headers: {
        authorization: `Basic ${Buffer.from(`${token}:`).toString('base64')}`,
        'leasegate-step': 's-2',
      },
    });
    expect(await answer.json()).toMatchObject({ data: [{ id: 'gpt-small' }] });
    const id = answer.headers.get('leasegate-call') ?? '';
    expect(fieldsOf(await world.admin('GET', `/v1/calls/${id}`))).toMatchObject({ step_id: 's-2' });
  });

  it('works: OpenAI, also when it streams, and its cost is known', async () => {
    const client = new OpenAI({ baseURL: `${at('openai')}/v1`, apiKey: token, maxRetries: 0 });
    const asked = { model: 'gpt-small', messages: [{ role: 'user' as const, content: 'hi' }] };
    const { data, response } = await client.chat.completions.create(asked).withResponse();
    expect(data.choices[0]?.message.content).toBe('Hello');
    expect(seen()).toEqual({ key: `Bearer ${world.key}`, path: '/v1/chat/completions' });
    const stream = await client.chat.completions
      .create({ ...asked, stream: true, stream_options: { include_usage: true } })
      .withResponse();
    let said = '';
    for await (const chunk of stream.data) said += chunk.choices[0]?.delta.content ?? '';
    expect(said).toBe('Hello');
    expect((await client.models.list()).data[0]?.id).toBe('gpt-small');
    for (const [headers, micros, output] of [
      [response.headers, 14, 7],
      [stream.response.headers, 42, 21],
    ] as const) {
      const id = headers.get('leasegate-call');
      const [ended] = await world.events(
        1,
        (event) => event.kind === 'call.ended' && event.data['call_id'] === id,
      );
      expect(ended?.data).toMatchObject({ result: 'success', cost_micros: micros, units: { output } });
    }
  });

  it('works: Anthropic, also when it streams', async () => {
    const client = new Anthropic({ baseURL: at('anthropic'), apiKey: token, maxRetries: 0 });
    const asked = {
      model: 'claude',
      max_tokens: 10,
      messages: [{ role: 'user' as const, content: 'hi' }],
    };
    expect((await client.messages.create(asked)).content).toEqual([{ type: 'text', text: 'Hello' }]);
    expect(seen()).toEqual({ key: world.key, path: '/v1/messages' });
    let said = '';
    for await (const event of await client.messages.create({ ...asked, stream: true })) {
      if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') said += event.delta.text;
    }
    expect(said).toBe('Hello');
  });

  it('works: Stripe, whose bodies are forms', async () => {
    const { hostname, port } = new URL(world.broker.baseUrl);
    const client = new Stripe(token, {
      host: hostname,
      port,
      protocol: 'http',
      maxNetworkRetries: 0,
      telemetry: false,
    });
    const withPrefix = (path: string): string => `/g/stripe${path}`;
    const made = (await client.rawRequest('POST', withPrefix('/v1/customers'), {
      name: 'Ada & Söhne',
    })) as unknown;
    expect(made).toMatchObject({ id: 'cus_1', name: 'Ada & Söhne' });
    const charge = (await client.rawRequest('GET', withPrefix('/v1/charges/ch_1'))) as unknown;
    expect(charge).toMatchObject({ amount: 5 });
    expect(seen()).toEqual({ key: `Bearer ${world.key}`, path: '/v1/charges/ch_1' });
  });

  it('works: Octokit', async () => {
    const client = new Octokit({ baseUrl: at('github'), auth: token });
    const issue = await client.rest.issues.get({ owner: 'acme', repo: 'shop', issue_number: 7 });
    expect(issue.data.title).toBe('A title');
    expect(issue.headers['x-github-media-type']).toBe('github.v3');
    expect(seen()).toEqual({ key: `Bearer ${world.key}`, path: '/repos/acme/shop/issues/7' });
  });
});
