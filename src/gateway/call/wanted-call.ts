import type { ToolArguments } from '../tool/tool.js';

/** A call as a worker asks for it. */
export interface WantedCall {
  /** Name of the tool. */
  readonly tool: string;
  readonly arguments: ToolArguments;
  /** The step that it belongs to; that of the run token unless told. An empty one is refused. */
  readonly stepId?: string | undefined;
  /** The route template that it came in by, for events. */
  readonly route: string;
}
