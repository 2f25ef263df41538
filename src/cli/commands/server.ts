import { Option, type Command } from 'commander';
import type { CommandSet } from '../command-set.js';

/** `serve`, `migrate`, `settings`, `doctor` and `vault …`: on the broker's own machine, with its settings. */
export function defineServerCommands(set: CommandSet, program: Command): void {
  const config = (command: Command): Command =>
    command.option('--config <file>', 'YAML file with the settings (LEASEGATE_CONFIG)');
  config(
    set.leaf(
      program,
      'serve',
      { summary: 'run the broker', example: 'leasegate serve --config config/leasegate.yaml' },
      async () => (await import('../actions/server.js')).serve,
    ),
  ).option('--migrate', 'bring the database to the version of this program first');
  config(
    set.leaf(
      program,
      'migrate',
      { summary: 'bring the database to the version of this program', example: 'leasegate migrate' },
      async () => (await import('../actions/server.js')).migrate,
    ),
  ).option(
    '--roles',
    'also make the roles leasegate_app, leasegate_sequencer and leasegate_auditor, for logins to be members of',
  );
  set
    .leaf(
      program,
      'settings',
      {
        summary: 'print the reference of all settings',
        example: 'leasegate settings --markdown > docs/reference/settings.md',
      },
      async () => (await import('../actions/server.js')).settings,
    )
    .addOption(new Option('--markdown', 'as Markdown, which is also the default').conflicts('json'));
  config(
    set.leaf(
      program,
      'doctor',
      {
        summary: 'check settings, database, Vault rights, issuer keys and clock, and say what to do',
        example: 'leasegate doctor --json',
      },
      async () => (await import('../actions/server.js')).doctor,
    ),
  );
  const vault = set.group(program, 'vault', 'what the broker needs in Vault');
  for (const [action, summary] of [
    ['plan', 'show what would be made or changed in Vault; changes nothing'],
    ['apply', 'make policies, token role and login in Vault, with an operator token (VAULT_TOKEN)'],
  ] as const) {
    config(
      set.leaf(
        vault,
        action,
        { summary, example: `VAULT_TOKEN=… leasegate vault ${action} --credentials config/examples` },
        async () => {
          const actions = await import('../actions/server.js');
          return action === 'plan' ? actions.vaultPlan : actions.vaultApply;
        },
      ),
    ).option(
      '--credentials <path>',
      'file or folder with credentials of the catalogue, as `credential create` takes them',
    );
  }
}
