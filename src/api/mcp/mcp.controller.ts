import { Readable } from 'node:stream';
import { Controller, Post, Req, Res, UseFilters } from '@nestjs/common';
import type { RunIdentity } from '../../identity/run-token.js';
import { BrokerError } from '../../kernel/broker-error.js';
import type { Caller } from '../../kernel/caller.js';
import { Settings } from '../../settings/schema.js';
import { RunToken } from '../access/access.js';
import { CallerParam, RunParam } from '../access/principal.js';
import { routeOf, type ApiReply, type ApiRequest } from '../http/request.js';
import { Documented } from '../openapi/operation.js';
import { BrowserChecks } from './browser-checks.js';
import { McpEndpoint } from './mcp-endpoint.js';
import { McpRefusals } from './mcp-refusals.js';
import { OpenRequests } from './open-requests.js';

/** The step that a call belongs to, where it is not the run token's. */
const STEP_HEADER = 'leasegate-step';

/** The endpoint of the Model Context Protocol. GET and DELETE, which sessions would need, are answered with 405. */
@Controller('mcp')
@UseFilters(McpRefusals)
export class McpController {
  private readonly browsers: BrowserChecks;

  constructor(
    private readonly endpoint: McpEndpoint,
    private readonly requests: OpenRequests,
    settings: Settings,
  ) {
    this.browsers = new BrowserChecks(settings.values);
  }

  @Post()
  @RunToken({ gateway: true })
  @Documented({
    id: 'mcp',
    tag: 'Workers',
    summary: 'Model Context Protocol, streamable HTTP',
    description:
      'One JSON-RPC message of the revision 2026-07-28 or 2025-11-25, without sessions. Tools are those of the ' +
      'grant; a refused call is a tool result with `isError`.',
    answer: { mediaType: 'application/json' },
    errors: ['authentication_required', 'origin_refused'],
  })
  async post(
    @Req() request: ApiRequest,
    @Res() reply: ApiReply,
    @RunParam() identity: RunIdentity,
    @CallerParam() caller: Caller,
  ): Promise<void> {
    this.browsers.check(request.headers);
    const message: unknown = request.body;
    if (message === undefined) throw new BrokerError('request_malformed', { detail: 'The body is empty.' });
    this.cancelNamed(message, identity);
    const abort = new AbortController();
    reply.raw.once('close', () => abort.abort());
    const answer = await this.endpoint.answer(webRequestOf(request, abort.signal), message, {
      identity,
      caller,
      stepId: textOf(request.headers[STEP_HEADER]),
      route: `POST ${routeOf(request)}`,
      abort,
      refused: (code) => {
        request.circumstances.code = code;
      },
    });
    await send(reply, answer);
  }

  /** Revisions of 2025 cancel by a message of its own. */
  private cancelNamed(message: unknown, identity: RunIdentity): void {
    const { method, params } = message as { method?: unknown; params?: { requestId?: unknown } | null };
    if (method !== 'notifications/cancelled') return;
    const id = params?.requestId;
    if (typeof id === 'string' || typeof id === 'number') this.requests.cancel(identity.tokenId, id);
  }
}

/** The headers that the protocol looks at; the token is none of them. */
const PASSED_ON = [
  'accept',
  'content-type',
  'mcp-protocol-version',
  'mcp-method',
  'mcp-name',
  'last-event-id',
];

function webRequestOf(request: ApiRequest, signal: AbortSignal): Request {
  const headers = new Headers();
  for (const name of PASSED_ON) {
    const value = textOf(request.headers[name]);
    if (value !== undefined) headers.set(name, value);
  }
  return new Request('http://leasegate.invalid/mcp', { method: 'POST', headers, signal });
}

async function send(reply: ApiReply, answer: Response): Promise<void> {
  void reply.code(answer.status);
  for (const [name, value] of answer.headers) if (name !== 'cache-control') void reply.header(name, value);
  if (answer.body === null) await reply.send();
  else if (/^text\/event-stream\b/.test(answer.headers.get('content-type') ?? ''))
    await reply.send(Readable.fromWeb(answer.body));
  else await reply.send(await answer.text());
}

function textOf(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined;
}
