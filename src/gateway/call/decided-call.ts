import type { Grant } from '../../grant/grant.js';
import type { RunIdentity } from '../../identity/run-token.js';
import type { Caller } from '../../kernel/caller.js';
import type { OutboundRequest } from '../destination/outbound-request.js';
import type { Finding } from '../scrub/finding.js';
import type { PreparedTool } from './prepared-tool.js';
import type { WantedCall } from './wanted-call.js';

/** A call that passed every check which needs no limit to be counted. */
export interface DecidedCall {
  readonly identity: RunIdentity;
  readonly caller: Caller;
  readonly wanted: WantedCall;
  readonly stepId: string;
  readonly grant: Grant;
  readonly tool: PreparedTool;
  /** As it will leave, without its credential. */
  readonly request: OutboundRequest;
  /** What was found in the request and let through. */
  readonly findings: readonly Finding[];
}
