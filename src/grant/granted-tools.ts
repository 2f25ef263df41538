import type { Tx } from '../database/transaction.js';
import type { GrantedTool } from './granted-tool.js';

/**
 * What knows the tools that grants name: a port that `gateway/` implements and registers with `Grants.whenToolsNamed`.
 * Without one, a grant that names tools cannot be saved.
 */
export abstract class GrantedTools {
  /**
   * Refuses with `tool_unknown` a tool that there is not, and with `request_invalid` what the grant says of one and
   * cannot hold, each with a pointer into the grant (`/tools/0/cel`).
   */
  abstract check(tx: Tx, tools: readonly GrantedTool[]): Promise<void>;
}
