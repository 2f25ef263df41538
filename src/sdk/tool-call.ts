/** What the parameters of a tool are filled with. */
export interface ToolArguments {
  readonly path?: Readonly<Record<string, unknown>> | undefined;
  readonly query?: Readonly<Record<string, unknown>> | undefined;
  readonly header?: Readonly<Record<string, unknown>> | undefined;
  /** JSON, or text where the tool takes another content type. */
  readonly body?: unknown;
}

/** Options of a call of a tool. */
export interface ToolCallOptions {
  /** The step that the call belongs to, where it is not the run token's. */
  readonly stepId?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The provider's answer to a call, whatever its status, and what the call came to. */
export interface ToolAnswer<T = unknown> {
  readonly call: { readonly id: string; readonly tool: string; readonly tool_version: number };
  readonly response: {
    /** The provider's status: the call itself was made, or an error would have been thrown. */
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly content_type: string;
    /** How `body` is written. */
    readonly encoding: 'json' | 'text' | 'base64';
    /** JSON, text, or bytes in base64; null when there was none. */
    readonly body: T;
  };
  /** What the scrubber found, in either direction; never the thing itself. */
  readonly findings: readonly { readonly kind: string; readonly count: number }[];
  readonly cost: { readonly micros: number; readonly units: Readonly<Record<string, number>> };
}
