import { Injectable } from '@nestjs/common';
import type { CallToolResult, Implementation, Tool } from '@modelcontextprotocol/server';
import { Calls } from '../../gateway/call/calls.js';
import type { CompiledTool } from '../../gateway/tool/compiled-tool.js';
import type { Narrowing } from '../../gateway/tool/narrowing.js';
import { ToolPermissions, type ToolPermission } from '../../gateway/tool/tool-permissions.js';
import type { RunIdentity } from '../../identity/run-token.js';
import { BrokerError } from '../../kernel/broker-error.js';
import { Log } from '../../kernel/log.js';
import { classify } from '../problem/classify.js';
import type { TellProgress } from './call-progress.js';
import { refusalOf, resultOf } from './call-result.js';
import { RpcRefusal } from './rpc-refusal.js';
import { DescribedTool } from './tool-description.js';
import type { McpExchange } from './mcp-exchange.js';
import { OpenRequests, type RequestId } from './open-requests.js';

/** The tools of a run's grant as tools of the Model Context Protocol. Listing shows what may be called, calling calls. */
@Injectable()
export class McpTools {
  readonly implementation: Implementation = { name: 'leasegate', title: 'Leasegate', version: '1' };
  readonly instructions =
    'Tools of providers, called for one run and step. A refused call says a stable code first, such as ' +
    '`parameter_refused` or `rate_limited`; credentials are added by the server and never asked for.';
  private readonly described = new WeakMap<CompiledTool, WeakMap<Narrowing, DescribedTool>>();

  constructor(
    private readonly calls: Calls,
    private readonly permissions: ToolPermissions,
    private readonly requests: OpenRequests,
    private readonly log: Log,
  ) {}

  /** Every tool that the run may call, as its grant leaves it. Rejects with {@link RpcRefusal} alone. */
  async list(exchange: McpExchange): Promise<Tool[]> {
    const { identity, caller } = exchange;
    try {
      const tools = await this.permissions.list(identity);
      const described = await Promise.all(tools.map(({ tool }) => this.find(identity, tool.name)));
      return described.flatMap((tool) => (tool === undefined ? [] : [tool.description]));
    } catch (thrown) {
      throw new RpcRefusal(this.refusal(exchange, thrown), caller.requestId);
    }
  }

  /**
   * Calls a tool. Never rejects: a refusal is a result, which is how models see it. Where a client asked for progress,
   * it is told of a streamed answer as it comes; the result is the whole of it all the same.
   */
  async call(
    exchange: McpExchange,
    id: RequestId,
    {
      name,
      arguments: given = {},
    }: { readonly name: string; readonly arguments?: Record<string, unknown> | undefined },
    tell?: TellProgress,
  ): Promise<CallToolResult> {
    const { identity, caller, stepId, route, abort } = exchange;
    const close = this.requests.add(identity.tokenId, id, abort);
    let tool: DescribedTool | undefined;
    try {
      tool = await this.find(identity, name);
      // Called all the same where there is none: refusing and recording that is done in one place.
      const wanted = { tool: name, arguments: tool?.form.argumentsOf(given) ?? {}, stepId, route };
      const answer = await this.calls.call(identity, wanted, caller, abort.signal);
      return await resultOf(answer, tool?.structured ?? false, tell);
    } catch (thrown) {
      const error = this.refusal(exchange, thrown);
      const field = error.field === undefined ? undefined : (tool?.form.fieldOf(error.field) ?? error.field);
      return refusalOf(error, field, caller.requestId);
    } finally {
      close();
    }
  }

  private refusal({ caller, abort, refused }: McpExchange, thrown: unknown): BrokerError {
    const error = classify(thrown);
    refused(error.code);
    // Nobody waits for the answer of a call that was given up, and giving it up is no failure.
    if (error.code === 'internal_error' && !abort.signal.aborted)
      this.log.error({ request_id: caller.requestId, err: error }, 'an MCP request failed');
    return error;
  }

  private async find(identity: RunIdentity, name: string): Promise<DescribedTool | undefined> {
    try {
      return this.describe(await this.permissions.of(identity, name));
    } catch (error) {
      if (error instanceof BrokerError) return undefined;
      throw error;
    }
  }

  private describe({ grant, tool, narrowing }: ToolPermission): DescribedTool {
    const known = this.described.get(tool) ?? new WeakMap<Narrowing, DescribedTool>();
    this.described.set(tool, known);
    const { spec } = tool.tool;
    const granted = grant.spec.tools.find(({ name }) => name === spec.name);
    const described = known.get(narrowing) ?? new DescribedTool(spec, granted);
    known.set(narrowing, described);
    return described;
  }
}
