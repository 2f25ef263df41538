import type { Command } from 'commander';
import { parseCount, type CommandSet } from '../command-set.js';
import { withPages } from './list-options.js';

/** `credential …`: the catalogue. */
export function defineCredentialCommands(set: CommandSet, program: Command): void {
  const credential = set.group(program, 'credential', 'the catalogue: how Vault makes each credential');
  withPages(
    set.leaf(
      credential,
      'list',
      { summary: 'list credentials', example: 'leasegate credential list --kind database' },
      async () => (await import('../actions/credential.js')).list,
    ),
  )
    .option('--kind <kind>', 'only of this kind: database, kv, pki')
    .option('--enabled <boolean>', 'only enabled (true) or disabled (false) ones');
  set.leaf(
    credential,
    'get <name>',
    {
      summary: 'show a credential of the catalogue; never a secret',
      example: 'leasegate credential get orders-readonly',
    },
    async () => (await import('../actions/credential.js')).get,
  );
  set
    .leaf(
      credential,
      'create',
      {
        summary: 'add a credential',
        example: 'leasegate credential create -f config/examples/credential.yaml',
      },
      async () => (await import('../actions/credential.js')).create,
    )
    .requiredOption('-f, --file <file>', 'YAML or JSON; - reads standard input');
  set
    .leaf(
      credential,
      'change [name]',
      {
        summary: 'change a credential; named by the file unless given',
        example: 'leasegate credential change -f credential.yaml',
      },
      async () => (await import('../actions/credential.js')).change,
    )
    .requiredOption('-f, --file <file>', 'YAML or JSON; - reads standard input')
    .option(
      '--if-version <version>',
      'only when this version is the current one; unless given, what is current now',
      parseCount,
    );
  for (const [action, summary] of [
    ['disable', 'lease a credential to nobody any more, and end its leases'],
    ['enable', 'let a credential be leased again'],
  ] as const) {
    set
      .leaf(
        credential,
        `${action} <name>`,
        { summary, example: `leasegate credential ${action} orders-readonly` },
        async () => (await import('../actions/credential.js')).act(action),
      )
      .option('--reason <text>', 'why; kept in the audit log');
  }
}
