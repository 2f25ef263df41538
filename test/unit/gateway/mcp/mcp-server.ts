import { Readable } from 'node:stream';
import type { AddressInfo } from 'node:net';
import fastify from 'fastify';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { ApiRequest } from '../../../../src/api/http/request.js';
import { McpEndpoint } from '../../../../src/api/mcp/mcp-endpoint.js';
import { McpTools } from '../../../../src/api/mcp/mcp-tools.js';
import { McpController } from '../../../../src/api/mcp/mcp.controller.js';
import { OpenRequests } from '../../../../src/api/mcp/open-requests.js';
import type { CallAnswer } from '../../../../src/gateway/call/call-answer.js';
import type { Calls } from '../../../../src/gateway/call/calls.js';
import type { WantedCall } from '../../../../src/gateway/call/wanted-call.js';
import type { CompiledTool } from '../../../../src/gateway/tool/compiled-tool.js';
import type { ToolPermissions } from '../../../../src/gateway/tool/tool-permissions.js';
import { toolSpecSchema, type ToolSpecInput } from '../../../../src/gateway/tool/tool-spec.js';
import type { Narrowing } from '../../../../src/gateway/tool/narrowing.js';
import { BrokerError } from '../../../../src/kernel/broker-error.js';
import type { RunIdentity } from '../../../../src/identity/run-token.js';
import type { Caller } from '../../../../src/kernel/caller.js';
import { SilentLog } from '../../../../src/kernel/log.js';
import type { Settings } from '../../../../src/settings/schema.js';
import { settingsSchema } from '../../../../src/settings/schema.js';

/** What is called instead of a provider. */
export type Provider = (wanted: WantedCall, signal: AbortSignal) => Promise<CallAnswer>;

export const IDENTITY: RunIdentity = {
  tokenId: 'token-1',
  runRef: 'run-ref',
  runId: 'run-1',
  stepId: 'step-1',
  grantId: 'grant',
  grantName: 'grant',
  grantVersion: 1,
  issuer: 'https://issuer.example',
  subject: 'jobs/one',
  scope: [],
  expiresAt: new Date(8.64e15),
};

const CALLER: Caller = {
  requestId: 'request-1',
  actor: { type: 'workload', issuer: IDENTITY.issuer, subject: IDENTITY.subject },
};

/** The endpoint on a port of this machine, before a provider and a grant of the test's. */
export class McpServer {
  readonly calls: WantedCall[] = [];
  readonly codes: (string | undefined)[] = [];
  readonly requests = new OpenRequests();
  /** Why the tools of the grant cannot be listed. */
  listFails: Error | undefined;
  #url: URL | undefined;
  readonly #server = fastify();
  readonly #endpoint: McpEndpoint;

  constructor(tools: readonly ToolSpecInput[], provider: Provider) {
    const list = tools.map((input) => {
      const spec = toolSpecSchema.parse(input);
      return { tool: { name: spec.name, version: 1, spec } } as CompiledTool;
    });
    const narrowing = {} as Narrowing;
    const permissions = {
      list: async () => {
        if (this.listFails !== undefined) throw this.listFails;
        return list;
      },
      of: async (_identity: RunIdentity, name: string) => {
        const found = list.find(({ tool }) => tool.name === name);
        if (found === undefined) throw new BrokerError('tool_not_granted');
        return { grant: { spec: { tools: [] } }, tool: found, narrowing };
      },
    } as unknown as ToolPermissions;
    const calls = {
      call: (_identity: RunIdentity, wanted: WantedCall, _caller: Caller, signal: AbortSignal) => {
        this.calls.push(wanted);
        return provider(wanted, signal);
      },
    } as unknown as Calls;
    const log = new SilentLog();
    this.#endpoint = new McpEndpoint(new McpTools(calls, permissions, this.requests, log), log);
    const { server, mcp } = settingsSchema.shape;
    const values = { server: server.parse({}), mcp: mcp.parse({}) };
    const controller = new McpController(this.#endpoint, this.requests, { values } as unknown as Settings);
    this.#server.post('/mcp', async (request, reply) => {
      const apiRequest = request as unknown as ApiRequest;
      apiRequest.circumstances = {};
      await controller.post(apiRequest, reply, IDENTITY, CALLER);
      this.codes.push(apiRequest.circumstances.code);
      return reply;
    });
  }

  async listen(): Promise<void> {
    await this.#server.listen({ host: '127.0.0.1', port: 0 });
    const { port } = this.#server.server.address() as AddressInfo;
    this.#url = new URL(`http://127.0.0.1:${port}/mcp`);
  }

  get url(): URL {
    if (this.#url === undefined) throw new Error('it does not listen yet');
    return this.#url;
  }

  /** The official client, connected by that revision. */
  async client(revision: '2025-11-25' | '2026-07-28'): Promise<Client> {
    const mode = revision === '2025-11-25' ? 'legacy' : { pin: revision };
    const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } });
    await client.connect(new StreamableHTTPClientTransport(this.url));
    return client;
  }

  async close(): Promise<void> {
    await this.#endpoint.beforeApplicationShutdown();
    this.#server.server.closeAllConnections();
    await this.#server.close();
  }
}

/** An answer of a provider, as JSON. */
export function jsonAnswer(tool: string, value: unknown, status = 200): CallAnswer {
  const content = Buffer.from(JSON.stringify(value));
  return {
    callId: 'call-1',
    tool,
    toolVersion: 1,
    status,
    headers: {},
    contentType: 'application/json',
    streamed: false,
    content,
    body: Readable.from([content]),
    limits: [],
    findings: () => [],
    settled: Promise.resolve({
      outcome: 'success',
      code: undefined,
      requestBytes: 0,
      responseBytes: content.length,
      costMicros: 0,
      units: {},
    }),
    ended: Promise.resolve(),
  };
}
