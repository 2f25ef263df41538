import type { Command } from 'commander';
import type { CommandSet } from '../command-set.js';

/** `mcp`: the grant's tools for programs that start a Model Context Protocol server of their own. */
export function defineMcpCommand(set: CommandSet, program: Command): void {
  set.leaf(
    program,
    'mcp',
    {
      summary:
        "serve the grant's tools over the Model Context Protocol on standard input and output; calls are made by the broker",
      example: 'leasegate mcp --run-id nightly-42 --step-id summarise',
    },
    async () => (await import('../mcp/serve.js')).serveMcp,
  );
}
