import type { RunIdentity } from '../../identity/run-token.js';
import type { Caller } from '../../kernel/caller.js';
import type { ErrorCode } from '../../kernel/error-codes.js';

/** One HTTP exchange of the Model Context Protocol, and who it is for. */
export interface McpExchange {
  readonly identity: RunIdentity;
  readonly caller: Caller;
  /** The step that calls belong to, where it is not the run token's. */
  readonly stepId: string | undefined;
  /** Method and path template, for events. */
  readonly route: string;
  /** Aborted when nobody waits for the answer any more. */
  readonly abort: AbortController;
  /** Told with which code a call was refused, for the log line. */
  readonly refused: (code: ErrorCode) => void;
}
