import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { startChild } from '../../src/dev/child.js';
import { freePort } from '../../src/dev/free-port.js';
import { DEV_ISSUER_NAME } from '../../src/dev/issuer-names.js';
import { repositoryRoot } from '../../src/dev/repository.js';
import { startBrokerParts, type BrokerParts } from '../broker-parts.js';
import { ownDatabaseUrl, startProgram } from '../program.js';

const SUBJECT = 'bench-worker';
/** The tool that all sides call, by the path that SDKs of chat completions use. */
const TOOL = 'bench-chat';
const PATH = '/v1/chat/completions';

/** One way to the provider. */
export interface Way {
  readonly name: 'direct' | 'leasegate' | 'portkey' | 'record and forward';
  readonly origin: string;
  readonly path: string;
  /** New for each burst: a run token is good for ten minutes. */
  headers(): Promise<Readonly<Record<string, string>>>;
}

/** What the gateway's benchmark runs on. */
export interface GatewayParts {
  readonly broker: BrokerParts['broker'];
  readonly ways: readonly [direct: Way, leasegate: Way, portkey: Way, bare: Way];
  stop(): Promise<void>;
}

/**
 * A provider, a broker whose tool has every check, limit, scrub and price on, and as peer the gateway of
 * `@portkey-ai/gateway`, which forwards. Beside them a program that writes one row to disk and forwards shows what
 * recording a call before it is made costs by itself on this machine.
 */
export async function startGatewayParts(progress: (line: string) => void): Promise<GatewayParts> {
  const parts = await startBrokerParts(progress, {
    credentials: (examples) =>
      examples.map((example) =>
        example.name === 'payments-api' ? { ...example, deliveries: ['inline', 'gateway'] } : example,
      ),
  });
  try {
    const upstream = await startUpstream(parts);
    const portkey = await startPortkey(parts, upstream);
    const bare = await startBareGateway(parts, upstream);
    await parts.admin('/v1/tools', tool(upstream));
    await parts.admin('/v1/grants', grant());
    const run = `bench-${randomUUID()}`;
    const ways: GatewayParts['ways'] = [
      { name: 'direct', origin: upstream, path: PATH, headers: () => Promise.resolve({}) },
      {
        name: 'leasegate',
        origin: parts.baseUrl,
        path: `/g/${TOOL}${PATH}`,
        headers: async () => ({ authorization: `Bearer ${await runToken(parts, run)}` }),
      },
      {
        name: 'portkey',
        origin: portkey,
        path: PATH,
        headers: () =>
          Promise.resolve({
            authorization: 'Bearer sk-bench',
            'x-portkey-provider': 'openai',
            'x-portkey-custom-host': `${upstream}/v1`,
          }),
      },
      { name: 'record and forward', origin: bare, path: PATH, headers: () => Promise.resolve({}) },
    ];
    return { broker: parts.broker, ways, stop: () => parts.stop() };
  } catch (error) {
    await parts.stop();
    throw error;
  }
}

function startUpstream(parts: BrokerParts): Promise<string> {
  return startProgram(parts, 'the provider', new URL('upstream.js', import.meta.url), {});
}

function startBareGateway(parts: BrokerParts, upstream: string): Promise<string> {
  const env = { UPSTREAM: upstream, DATABASE_URL: ownDatabaseUrl(parts) };
  return startProgram(parts, 'the bare gateway', new URL('bare-gateway.js', import.meta.url), env);
}

async function startPortkey(parts: BrokerParts, upstream: string): Promise<string> {
  const port = await freePort();
  const program = 'node_modules/@portkey-ai/gateway/build/start-server.js';
  const child = await startChild(parts.reaper, {
    name: 'the peer',
    command: process.execPath,
    args: [join(repositoryRoot(), program), '--headless', `--port=${port}`],
    env: { PATH: process.env['PATH'] ?? '', TRUSTED_CUSTOM_HOSTS: new URL(upstream).hostname },
    ready: () => fetch(`http://127.0.0.1:${port}/`).then(() => true),
    deadlineMs: 30_000,
  });
  parts.onStop(() => child.stop());
  return `http://127.0.0.1:${port}`;
}

function tool(upstream: string): Readonly<Record<string, unknown>> {
  const message = {
    type: 'object',
    properties: {
      role: { enum: ['system', 'user', 'assistant'] },
      content: { type: 'string', maxLength: 20_000 },
    },
    required: ['role', 'content'],
    additionalProperties: false,
  };
  const price = (micros: number): object => ({ from: '2026-01-01', micros_per_unit: micros });
  return {
    name: TOOL,
    method: 'POST',
    url: `${upstream}${PATH}`,
    internal: true,
    parameters: {
      body: {
        schema: {
          type: 'object',
          properties: {
            model: { const: 'bench-1' },
            messages: { type: 'array', items: message, minItems: 1, maxItems: 64 },
            stream: { type: 'boolean' },
            events: { type: 'integer', minimum: 1, maximum: 10_000 },
            interval_ms: { type: 'integer', minimum: 1, maximum: 10_000 },
          },
          required: ['model', 'messages'],
          additionalProperties: false,
        },
      },
    },
    response: { stream: true },
    credential: { name: 'payments-api', inject: { as: 'bearer', field: 'api_key' } },
    limits: {
      calls: [
        { per: 'run', max: 1_000_000, window_seconds: 60 },
        { per: 'grant', max: 1_000_000, window_seconds: 60 },
        { per: 'workload', max: 1_000_000, window_seconds: 60 },
      ],
      concurrent: [{ per: 'grant', max: 5_000 }],
      budgets: [{ per: 'grant', max_micros: 1_000_000_000_000, window: 'day' }],
    },
    cost: {
      by: 'response',
      reserve_micros: 1_000,
      of: '/model',
      units: [
        { name: 'input-tokens', pointer: '/usage/prompt_tokens', prices: [price(2)] },
        { name: 'output-tokens', pointer: '/usage/completion_tokens', prices: [price(8)] },
      ],
    },
    timeout_ms: 120_000,
  };
}

function grant(): Readonly<Record<string, unknown>> {
  return {
    name: 'bench',
    issuer: DEV_ISSUER_NAME,
    workload: { claims: { sub: SUBJECT } },
    run: { from: 'asserted', step_from: 'asserted', max_duration_seconds: 3_600 },
    credentials: [],
    tools: [{ name: TOOL }],
  };
}

async function runToken(parts: BrokerParts, runId: string): Promise<string> {
  const response = await fetch(`${parts.baseUrl}/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: await parts.issuer.token(
        { sub: SUBJECT },
        { lifetimeSeconds: 3_500, algorithm: 'RS256' },
      ),
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      run_id: runId,
      step_id: 'bench',
    }),
  });
  if (!response.ok) throw new Error(`the exchange answered ${response.status}: ${await response.text()}`);
  return ((await response.json()) as { access_token: string }).access_token;
}
