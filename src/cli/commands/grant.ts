import type { Command } from 'commander';
import { parseCount, type CommandSet } from '../command-set.js';
import { withPages } from './list-options.js';

const ACTIONS = [
  ['suspend', 'stop a grant for now and end its leases'],
  ['resume', 'let a suspended grant work again'],
  ['revoke', 'end a grant for ever, with its runs and leases'],
] as const;

/** `grant …`: who may lease what. */
export function defineGrantCommands(set: CommandSet, program: Command): void {
  const grant = set.group(program, 'grant', 'which workloads may lease which credentials');
  withPages(
    set.leaf(
      grant,
      'list',
      { summary: 'list grants', example: 'leasegate grant list --state active' },
      async () => (await import('../actions/grant.js')).list,
    ),
  )
    .option('--state <state>', 'only in this state')
    .option('--issuer <name>', 'only for workloads of this issuer')
    .option('--credential <name>', 'only those that allow this credential')
    .option('--tool <name>', 'only those that allow this tool')
    .option('--label <name=value>', 'only with this label');
  set.leaf(
    grant,
    'get <grant>',
    { summary: 'show a grant by id or name', example: 'leasegate grant get nightly-orders' },
    async () => (await import('../actions/grant.js')).get,
  );
  set
    .leaf(
      grant,
      'create',
      { summary: 'create a grant', example: 'leasegate grant create -f config/examples/grant.yaml' },
      async () => (await import('../actions/grant.js')).create,
    )
    .requiredOption('-f, --file <file>', 'YAML or JSON; - reads standard input');
  set
    .leaf(
      grant,
      'change [grant]',
      {
        summary: 'make a new version of a grant; named by the file unless given',
        example: 'leasegate grant change -f grant.yaml',
      },
      async () => (await import('../actions/grant.js')).change,
    )
    .requiredOption('-f, --file <file>', 'YAML or JSON; - reads standard input')
    .option(
      '--if-version <version>',
      'only when this version is the current one; unless given, what is current now',
      parseCount,
    );
  set.leaf(
    grant,
    'versions <grant>',
    { summary: 'list the versions of a grant', example: 'leasegate grant versions nightly-orders' },
    async () => (await import('../actions/grant.js')).versions,
  );
  set
    .leaf(
      grant,
      'approve <grant>',
      {
        summary: 'let the newest version of a grant become active; nobody approves their own',
        example: 'leasegate grant approve nightly-orders --if-version 3',
      },
      async () => (await import('../actions/grant.js')).approve,
    )
    .option(
      '--if-version <version>',
      'only when this version, which you read, is still the newest',
      parseCount,
    );
  set.leaf(
    grant,
    'activate <grant>',
    { summary: 'make a draft active', example: 'leasegate grant activate nightly-orders' },
    async () => (await import('../actions/grant.js')).act('activate'),
  );
  for (const [action, summary] of ACTIONS) {
    set
      .leaf(
        grant,
        `${action} <grant>`,
        { summary, example: `leasegate grant ${action} nightly-orders` },
        async () => (await import('../actions/grant.js')).act(action),
      )
      .option('--reason <text>', 'why; kept in the audit log');
  }
  set
    .leaf(
      grant,
      'explain',
      {
        summary:
          'say clause by clause which grants match a workload token, and why others do not; issues nothing',
        example: 'leasegate grant explain --workload-token-file token.jwt --run-id nightly-42',
      },
      async () => (await import('../actions/grant.js')).explain,
    )
    .requiredOption('--workload-token-file <file>', "the workload's OIDC token; - reads standard input");
}
