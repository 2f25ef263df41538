import type { ToolSpec } from './tool-spec.js';

/** A tool of the catalogue, as of its newest version. */
export interface Tool {
  readonly name: string;
  readonly version: number;
  readonly spec: ToolSpec;
  readonly enabled: boolean;
  /** Whether the credential that it needs is disabled; kept by the database, and looked at for every call. */
  readonly credentialOff: boolean;
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly updatedAt: Date;
}

/** One version of a tool, as it was saved; it never changes. */
export interface ToolVersion {
  readonly tool: string;
  readonly version: number;
  readonly spec: ToolSpec;
  readonly createdAt: Date;
  readonly createdBy: string;
}

/** What a caller fills a tool's parameters with. */
export interface ToolArguments {
  readonly path?: Readonly<Record<string, unknown>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  /** JSON, or bytes where the tool declares another content type. */
  readonly body?: unknown;
}
