import type { Command } from 'commander';
import { parseCount, type CommandSet } from '../command-set.js';
import { withPages } from './list-options.js';

/** `tool …`: what the gateway may call. */
export function defineToolCommands(set: CommandSet, program: Command): void {
  const tool = set.group(program, 'tool', 'the tools of the gateway: which calls there are');
  defineReads(set, tool);
  defineChanges(set, tool);
  set
    .leaf(
      tool,
      'test <name>',
      {
        summary: 'show what a call would send, with the secret masked; nothing is sent',
        example: 'leasegate tool test list-orders --args arguments.json',
      },
      async () => (await import('../actions/tool.js')).test,
    )
    .option('--args <file>', 'YAML or JSON with path, query, header and body; - reads standard input')
    .option('--under <grant>', 'also check what this grant leaves of the tool');
  const imports = set.group(tool, 'import', 'make tools from the description of an API');
  set
    .leaf(
      imports,
      'openapi <spec>',
      {
        summary: 'make tools from operations of an OpenAPI 3.0 or 3.1 document; prints them unless told',
        example: 'leasegate tool import openapi api.yaml --operations listOrders,getOrder --out config/tools',
      },
      async () => (await import('../actions/tool-import.js')).openapi,
    )
    .requiredOption('--operations <ids>', 'operationIds, divided by commas')
    .option('--credential <name>', 'the credential that the tools use, put where the document says')
    .option('--server <url>', 'base URL; the first server of the document unless given')
    .option('--prefix <text>', 'begins the names of the tools')
    .option('--out <folder>', 'write one YAML file a tool into this folder')
    .option('--apply', 'create the tools at the broker, or change those that are there');
}

function defineReads(set: CommandSet, tool: Command): void {
  withPages(
    set.leaf(
      tool,
      'list',
      { summary: 'list tools', example: 'leasegate tool list --credential payments-api' },
      async () => (await import('../actions/tool.js')).list,
    ),
  )
    .option('--enabled <boolean>', 'only enabled (true) or disabled (false) ones')
    .option('--credential <name>', 'only those that use this credential')
    .option('--label <name=value>', 'only with this label');
  set.leaf(
    tool,
    'get <name>',
    { summary: 'show a tool', example: 'leasegate tool get list-orders' },
    async () => (await import('../actions/tool.js')).get,
  );
  set.leaf(
    tool,
    'versions <name>',
    { summary: 'list the versions of a tool', example: 'leasegate tool versions list-orders' },
    async () => (await import('../actions/tool.js')).versions,
  );
}

function defineChanges(set: CommandSet, tool: Command): void {
  set
    .leaf(
      tool,
      'create',
      { summary: 'add a tool', example: 'leasegate tool create -f config/tools/list-orders.yaml' },
      async () => (await import('../actions/tool.js')).create,
    )
    .requiredOption('-f, --file <file>', 'YAML or JSON; - reads standard input');
  set
    .leaf(
      tool,
      'change [name]',
      {
        summary: 'make a new version of a tool; named by the file unless given',
        example: 'leasegate tool change -f list-orders.yaml',
      },
      async () => (await import('../actions/tool.js')).change,
    )
    .requiredOption('-f, --file <file>', 'YAML or JSON; - reads standard input')
    .option(
      '--if-version <version>',
      'only when this version is the current one; unless given, what is current now',
      parseCount,
    );
  for (const [action, summary] of [
    ['disable', 'let nobody call a tool any more'],
    ['enable', 'let a tool be called again'],
  ] as const) {
    set
      .leaf(
        tool,
        `${action} <name>`,
        { summary, example: `leasegate tool ${action} list-orders` },
        async () => (await import('../actions/tool.js')).act(action),
      )
      .option('--reason <text>', 'why; kept in the audit log');
  }
}
