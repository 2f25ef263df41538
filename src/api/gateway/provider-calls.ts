import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { CallAnswer } from '../../gateway/call/call-answer.js';
import { CallEvents } from '../../gateway/call/call-events.js';
import { Calls } from '../../gateway/call/calls.js';
import type { CallCheck } from '../../gateway/call/checks/call-check.js';
import type { WantedCall } from '../../gateway/call/wanted-call.js';
import type { CompiledTool } from '../../gateway/tool/compiled-tool.js';
import { ToolPermissions } from '../../gateway/tool/tool-permissions.js';
import type { RunIdentity } from '../../identity/run-token.js';
import { BrokerError } from '../../kernel/broker-error.js';
import type { Caller } from '../../kernel/caller.js';
import { Clock } from '../../kernel/clock.js';
import { Settings } from '../../settings/schema.js';
import type { ProviderBody } from './provider-body.js';

/** A request as an SDK writes it for its provider. */
export interface ProviderRequest {
  /** Name of a tool, or the label `provider` of several. */
  readonly provider: string;
  readonly method: string;
  /** Path at the provider, and query, as they were sent. */
  readonly target: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: ProviderBody;
  readonly stepId: string | undefined;
}

interface Found {
  readonly tool: CompiledTool;
  readonly arguments: WantedCall['arguments'];
}

/**
 * How long the tools of a run token are remembered for finding one of them. Whether it may be called, and at which
 * version, is decided for each call; a tool that is new is found at once, since nothing is refused from memory.
 */
const HOLDS_MS = 1_000;
const MOST_TOKENS = 5_000;

/** Calls tools for requests that were written for their provider. */
@Injectable()
export class ProviderCalls {
  readonly #known = new LRUCache<string, { readonly tools: readonly CompiledTool[]; readonly atMs: number }>({
    max: MOST_TOKENS,
  });

  /** Most bytes of a body that is read as a whole. */
  readonly wholeLimitBytes: number;

  constructor(
    private readonly permissions: ToolPermissions,
    private readonly calls: Calls,
    private readonly events: CallEvents,
    private readonly clock: Clock,
    settings: Settings,
  ) {
    this.wholeLimitBytes = settings.values.gateway.bodyLimitBytes;
  }

  /**
   * Finds the tool of the caller's grant that the request is for, as its provider would find the endpoint, and calls
   * it. Refuses with `tool_not_granted` when there is none, and with everything that {@link Calls.call} does.
   */
  async call(
    identity: RunIdentity,
    request: ProviderRequest,
    caller: Caller,
    signal: AbortSignal,
  ): Promise<CallAnswer> {
    const wanted = await this.wanted(identity, request, caller);
    return this.calls.call(identity, wanted, caller, signal);
  }

  private async wanted(identity: RunIdentity, request: ProviderRequest, caller: Caller): Promise<WantedCall> {
    const { method, provider, stepId } = request;
    const route = `${method} /g/:provider/*`;
    const step = stepId === undefined ? {} : { stepId };
    let tool = provider;
    let check: CallCheck = 'tool_allowed';
    try {
      const found = await this.found(identity, request);
      if (found === undefined)
        throw new BrokerError('tool_not_granted', {
          detail: 'the grant has no tool of this name or provider that takes this method and path',
        });
      tool = found.tool.tool.name;
      check = 'parameters';
      const body = await bodyOf(found.tool, request);
      return { tool, arguments: { ...found.arguments, body }, route, ...step };
    } catch (error) {
      if (error instanceof BrokerError && error.status < 500) {
        await this.events.refused({ identity, caller }, { tool, route, ...step }, check, error);
      }
      throw error;
    }
  }

  // The tool of that name, or the one among those with that label whose method and path match.
  private async found(
    identity: RunIdentity,
    { provider, method, target, headers }: ProviderRequest,
  ): Promise<Found | undefined> {
    const match = (tools: readonly CompiledTool[]): Found | undefined => {
      for (const tool of tools) {
        const { name, labels } = tool.tool.spec;
        if (name !== provider && labels['provider'] !== provider) continue;
        const matched = tool.match(method, target, headers);
        if (matched !== undefined) return { tool, arguments: matched };
      }
      return undefined;
    };
    const known = this.#known.get(identity.tokenId);
    const nowMs = this.clock.monotonicMs();
    if (known !== undefined && nowMs - known.atMs < HOLDS_MS) {
      const found = match(known.tools);
      if (found !== undefined) return found;
    }
    const tools = await this.permissions.list(identity);
    this.#known.set(identity.tokenId, { tools, atMs: nowMs });
    return match(tools);
  }
}

async function bodyOf(tool: CompiledTool, request: ProviderRequest): Promise<unknown> {
  const type = typeOf(request);
  if (!tool.takesUploads) return tool.readBody(await request.body.whole(), type);
  const upload = request.body.upload();
  return upload && tool.readUpload(upload, type);
}

function typeOf({ headers }: ProviderRequest): string | undefined {
  const value = headers['content-type'];
  return typeof value === 'string' ? value : undefined;
}
