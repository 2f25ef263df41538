import { Injectable } from '@nestjs/common';
import { Grants } from '../../grant/grants.js';
import { BrokerError } from '../../kernel/broker-error.js';
import { Destinations } from '../destination/vet.js';
import { preview, type RequestPreview } from '../inject/preview.js';
import { CompiledTool } from './compiled-tool.js';
import { compileNarrowing, type Narrowing } from './narrowing.js';
import { ToolCatalogue } from './tool-catalogue.js';
import type { ToolArguments } from './tool.js';

/** What a call would send, and whether it would get there. */
export interface DryRun {
  readonly tool: string;
  readonly version: number;
  readonly enabled: boolean;
  /** The exact request; what the credential would add is masked. */
  readonly request: RequestPreview;
  readonly destination:
    | { readonly allowed: true; readonly addresses: readonly string[] }
    | { readonly allowed: false; readonly code: string; readonly detail: string | undefined };
}

/** Tries a tool without sending anything, and without asking Vault for a credential. */
@Injectable()
export class ToolDryRun {
  constructor(
    private readonly catalogue: ToolCatalogue,
    private readonly grants: Grants,
    private readonly destinations: Destinations,
  ) {}

  /**
   * Refuses like a call with `parameter_unknown` and `parameter_refused`; with a grant, also by what that leaves of the
   * tool, and with `tool_not_granted`. A destination that is refused is part of the answer.
   */
  async run(name: string, args: ToolArguments, grant?: string): Promise<DryRun> {
    const tool = await this.catalogue.get(name);
    const narrowing = grant === undefined ? undefined : await this.narrowing(grant, name);
    const request = CompiledTool.of(tool).check(args, narrowing);
    const { version, enabled, spec } = tool;
    return {
      tool: name,
      version,
      enabled,
      request: preview(request, spec.credential?.inject),
      destination: await this.destination(request.url, spec.internal),
    };
  }

  private async narrowing(grantName: string, name: string): Promise<Narrowing> {
    const grant = await this.grants.get(grantName);
    const granted = grant.spec.tools.find((each) => each.name === name);
    if (granted === undefined)
      throw new BrokerError('tool_not_granted', { field: 'grant', detail: `${grant.name} does not name it` });
    return compileNarrowing(granted);
  }

  private async destination(url: URL, internal: boolean): Promise<DryRun['destination']> {
    try {
      return { allowed: true, addresses: await this.destinations.vet(url, { internal }) };
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      return { allowed: false, code: error.code, detail: error.detail };
    }
  }
}
