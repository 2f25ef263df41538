import { apiPath } from './api-request.js';
import type { AdminCalls, Filters, Page } from './admin-calls.js';
import type { Because } from './admin-resources.js';

/** A tool's spec; what may be in it, and what is wrong with it, the broker says. */
export interface ToolSpecDocument {
  readonly name: string;
  readonly [field: string]: unknown;
}

/** A tool as the broker answers it. */
export interface ToolDocument {
  readonly name: string;
  readonly version: number;
  readonly enabled: boolean;
  readonly spec: ToolSpecDocument & {
    readonly method: string;
    readonly url: string;
    readonly credential?: { readonly name: string } | undefined;
  };
  readonly created_at: string;
  readonly created_by: string;
  readonly updated_at: string;
}

/** One version of a tool. */
export type ToolVersionDocument = Pick<ToolDocument, 'version' | 'spec' | 'created_at' | 'created_by'> & {
  readonly tool: string;
};

/** What a call would send; secrets are masked. */
export interface ToolTest {
  readonly tool: string;
  readonly version: number;
  readonly enabled: boolean;
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string | null;
    readonly client_certificate: boolean;
  };
  readonly destination: {
    readonly allowed: boolean;
    readonly addresses: readonly string[];
    readonly code: string | null;
    readonly detail: string | null;
  };
}

/** Tools of the gateway: `/v1/tools`. */
export class ToolAdmin {
  constructor(private readonly calls: AdminCalls) {}

  list(filters: Filters = {}): Promise<Page<ToolDocument>> {
    return this.calls.get('/v1/tools', filters);
  }

  all(filters: Filters = {}): AsyncGenerator<ToolDocument, void, undefined> {
    return this.calls.all('/v1/tools', filters);
  }

  get(name: string): Promise<ToolDocument> {
    return this.calls.get(apiPath`/v1/tools/${name}`);
  }

  create(spec: ToolSpecDocument): Promise<ToolDocument> {
    return this.calls.post('/v1/tools', spec);
  }

  /** Makes a new version; refused with `precondition_failed` when `version` is not the current one. */
  change(name: string, spec: ToolSpecDocument, version: number): Promise<ToolDocument> {
    return this.calls.put(apiPath`/v1/tools/${name}`, spec, version);
  }

  versions(name: string): Promise<Page<ToolVersionDocument>> {
    return this.calls.get(apiPath`/v1/tools/${name}/versions`);
  }

  /** Disabling stops new calls; those that are open go on. */
  act(name: string, action: 'disable' | 'enable', because: Because = {}): Promise<ToolDocument> {
    return this.calls.post(apiPath`/v1/tools/${name}/${action}`, because);
  }

  /** Shows what a call would send, and sends nothing; with a grant, as that narrows the tool. */
  test(
    name: string,
    wanted: {
      readonly arguments: Readonly<Record<string, unknown>>;
      readonly grant?: string | undefined;
    },
  ): Promise<ToolTest> {
    return this.calls.post(apiPath`/v1/tools/${name}/test`, wanted);
  }
}
