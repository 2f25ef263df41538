import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import type { AuthInfo, McpHttpHandler, McpServerFactory } from '@modelcontextprotocol/server';
import { Log } from '../../kernel/log.js';
import { safeErrorFields } from '../../kernel/safe-error.js';
import type { TellProgress } from './call-progress.js';
import type { McpExchange } from './mcp-exchange.js';
import { McpTools } from './mcp-tools.js';

/** Of a message that the package would read itself; ours are read, and bounded, before. */
const LARGEST_MESSAGE_BYTES = 16 * 1_048_576;

/**
 * Serves the Model Context Protocol over streamable HTTP, without sessions: each request finds a new server that knows
 * the caller, so any replica can answer any of them. The package is loaded when it is first needed; most brokers never
 * speak the protocol, and it would cost every start.
 */
@Injectable()
export class McpEndpoint implements BeforeApplicationShutdown {
  private readonly exchanges = new WeakMap<AuthInfo, McpExchange>();
  private handler: Promise<McpHttpHandler> | undefined;

  constructor(
    private readonly tools: McpTools,
    private readonly log: Log,
  ) {}

  /** Answers one POST; a message that is not valid is answered as JSON-RPC says. */
  async answer(request: Request, message: unknown, exchange: McpExchange): Promise<Response> {
    const handler = await (this.handler ??= this.load());
    // The package hands this object on untouched, and it is all that it may know of the token.
    const authInfo: AuthInfo = { token: '', clientId: exchange.identity.subject, scopes: [] };
    this.exchanges.set(authInfo, exchange);
    return handler.fetch(request, { authInfo, parsedBody: message });
  }

  /** Ends what is open. */
  async beforeApplicationShutdown(): Promise<void> {
    await (await this.handler)?.close();
  }

  private async load(): Promise<McpHttpHandler> {
    const { createMcpHandler, Server } = await import('@modelcontextprotocol/server');
    const factory: McpServerFactory = ({ authInfo }) => {
      const exchange = authInfo === undefined ? undefined : this.exchanges.get(authInfo);
      if (exchange === undefined) throw new Error('an exchange of nobody');
      const server = new Server(this.tools.implementation, {
        capabilities: { tools: {} },
        instructions: this.tools.instructions,
      });
      server.setRequestHandler('tools/list', async () => ({ tools: await this.tools.list(exchange) }));
      server.setRequestHandler('tools/call', ({ params }, { mcpReq }) => {
        mcpReq.signal.addEventListener('abort', () => exchange.abort.abort(), { once: true });
        const progressToken = mcpReq._meta?.progressToken;
        const tell: TellProgress = (progress) =>
          mcpReq.notify({ method: 'notifications/progress', params: { ...progress, progressToken } });
        return this.tools.call(exchange, mcpReq.id, params, progressToken === undefined ? undefined : tell);
      });
      return server;
    };
    return createMcpHandler(factory, {
      maxRequestBodySize: LARGEST_MESSAGE_BYTES,
      // Nothing is announced that could be subscribed to; an open stream would only hold a connection.
      maxSubscriptions: 0,
      onerror: (error) => this.log.debug(safeErrorFields(error), 'an MCP message was not served'),
    });
  }
}
