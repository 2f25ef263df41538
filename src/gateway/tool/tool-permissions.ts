import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { compileConditions } from '../../grant/conditions.js';
import type { GrantedTool } from '../../grant/granted-tool.js';
import type { Grant } from '../../grant/grant.js';
import { checkLive } from '../../grant/grant-live.js';
import { Grants } from '../../grant/grants.js';
import type { RunIdentity } from '../../identity/run-token.js';
import { BrokerError, hasCode } from '../../kernel/broker-error.js';
import { Clock } from '../../kernel/clock.js';
import { Runs } from '../../run/runs.js';
import { CompiledTool } from './compiled-tool.js';
import { compileNarrowing, type Narrowing } from './narrowing.js';
import { ToolCatalogue } from './tool-catalogue.js';
import type { Tool } from './tool.js';

const REMEMBERED = 5_000;
const TOOL_SCOPE = 'tool:';

/** What allows a run to call a tool, and what is left of the tool. */
export interface ToolPermission {
  readonly grant: Grant;
  readonly tool: CompiledTool;
  readonly narrowing: Narrowing;
}

/**
 * Whether the grant of a run allows a tool. What was read before is used again: whoever acts on an answer compares the
 * versions under lock, and calls {@link forget} when they are old. A refusal is never given on remembered facts.
 */
@Injectable()
export class ToolPermissions {
  readonly #grants = new LRUCache<string, Grant>({ max: REMEMBERED });
  readonly #tools = new LRUCache<string, CompiledTool>({ max: REMEMBERED });
  readonly #narrowings = new LRUCache<string, Narrowing>({ max: REMEMBERED });
  /** Runs whose token was made under another version of the grant than the one given, and which that still matches. */
  readonly #outgrown = new LRUCache<string, true>({ max: REMEMBERED });

  constructor(
    private readonly clock: Clock,
    private readonly grants: Grants,
    private readonly runs: Runs,
    private readonly catalogue: ToolCatalogue,
  ) {}

  /**
   * Decides. Refuses with `grant_not_active`, `grant_not_found` (it changed and no longer matches the run),
   * `tool_not_granted` (also for a tool that there is not), `tool_disabled` or `credential_disabled`.
   */
  async of(identity: RunIdentity, toolName: string): Promise<ToolPermission> {
    const grant = this.#grants.get(identity.grantId);
    const tool = this.#tools.get(toolName);
    if (grant !== undefined && tool !== undefined) {
      try {
        await this.refuseOutgrown(identity, grant);
        return this.judge(identity, grant, tool, toolName);
      } catch (error) {
        if (!(error instanceof BrokerError)) throw error;
      }
    }
    const [readGrant, readTool] = await Promise.all([
      this.readGrant(identity),
      this.catalogue.find(toolName),
    ]);
    await this.refuseOutgrown(identity, readGrant);
    const compiled = readTool === undefined ? undefined : this.compiled(readTool);
    return this.judge(identity, readGrant, compiled, toolName);
  }

  /** The enabled tools that the run may call, in order of name. Read anew each time. */
  async list(identity: RunIdentity): Promise<readonly CompiledTool[]> {
    const grant = await this.readGrant(identity);
    checkLive(grant, this.clock.now());
    await this.refuseOutgrown(identity, grant);
    const names = grant.spec.tools.map(({ name }) => name).filter((name) => inScope(identity, name));
    const tools = await this.catalogue.named(names);
    return tools.filter(({ enabled }) => enabled).map((tool) => this.compiled(tool));
  }

  /** Forgets what was read of a run's grant and a tool, because it has been shown to be old. */
  forget(identity: RunIdentity, toolName: string): void {
    this.#grants.delete(identity.grantId);
    this.#tools.delete(toolName);
  }

  private judge(
    identity: RunIdentity,
    grant: Grant,
    tool: CompiledTool | undefined,
    toolName: string,
  ): ToolPermission {
    checkLive(grant, this.clock.now());
    const granted = grant.spec.tools.find(({ name }) => name === toolName);
    // The catalogue is not the worker's business: what does not exist and what is not granted look the same.
    if (granted === undefined || tool === undefined || !inScope(identity, toolName))
      throw new BrokerError('tool_not_granted', { field: 'tool' });
    if (!tool.tool.enabled) throw new BrokerError('tool_disabled', { field: 'tool' });
    if (tool.tool.credentialOff)
      throw new BrokerError('credential_disabled', { detail: 'the credential of the tool is disabled' });
    return { grant, tool, narrowing: this.narrowing(grant, granted) };
  }

  private narrowing(grant: Grant, granted: GrantedTool): Narrowing {
    const key = `${grant.id}/${grant.version}/${granted.name}`;
    const remembered = this.#narrowings.get(key);
    if (remembered !== undefined) return remembered;
    const compiled = compileNarrowing(granted);
    this.#narrowings.set(key, compiled);
    return compiled;
  }

  private compiled(tool: Tool): CompiledTool {
    const remembered = this.#tools.get(tool.name);
    if (
      remembered?.tool.version === tool.version &&
      remembered.tool.enabled === tool.enabled &&
      remembered.tool.credentialOff === tool.credentialOff
    )
      return remembered;
    const compiled = CompiledTool.of(tool);
    this.#tools.set(tool.name, compiled);
    return compiled;
  }

  private async readGrant(identity: RunIdentity): Promise<Grant> {
    const grant = await this.grants.get(identity.grantId).catch((error: unknown) => {
      throw hasCode(error, 'not_found') ? new BrokerError('grant_not_active') : error;
    });
    this.#grants.set(grant.id, grant);
    return grant;
  }

  /**
   * The exchange decided on the version that the run token names. Under a later one only what the run keeps of the
   * token can be looked at; when that is not enough, another exchange decides.
   */
  private async refuseOutgrown(identity: RunIdentity, grant: Grant): Promise<void> {
    if (identity.grantVersion === grant.version) return;
    const key = `${identity.runRef}/${grant.version}`;
    if (this.#outgrown.has(key)) return;
    const run = await this.runs.get(identity.runRef);
    if (!compileConditions(grant.spec.workload).matches(run.claims))
      throw new BrokerError('grant_not_found', {
        detail:
          'the grant changed and no longer matches what is known of this run; exchange your token again',
      });
    this.#outgrown.set(key, true);
  }
}

/** A scope that names anything narrows the run token to that; an empty one leaves it to the grant. */
function inScope({ scope }: RunIdentity, toolName: string): boolean {
  return scope.length === 0 || scope.includes(TOOL_SCOPE + toolName);
}
