import type { Command } from 'commander';
import { gather, type CommandSet } from '../command-set.js';
import { withPages } from './list-options.js';

const actions = async () => import('../actions/retention.js');

/** `audit archive|restore|parts|holds …`: how long entries stay, and where they are. */
export function defineRetentionCommands(set: CommandSet, audit: Command): void {
  const config = (command: Command): Command =>
    command.option('--config <file>', 'YAML file with the settings (LEASEGATE_CONFIG)');
  config(
    set.leaf(
      audit,
      'archive',
      {
        summary:
          "archive, remove and destroy what is past its age; on the broker's machine, as owner of the tables",
        example: 'leasegate audit archive --dry-run',
      },
      async () => (await actions()).archive,
    ),
  ).option('--dry-run', 'only say what would be done');
  config(
    set.leaf(
      audit,
      'restore <from-index> <class>',
      {
        summary: 'bring archived entries back for queries, verified; as owner of the tables',
        example: 'leasegate audit restore 0 calls --reason "question of the auditors"',
      },
      async () => (await actions()).restore,
    ),
  ).option('--reason <text>', 'why; kept in the audit log');
  set.leaf(
    audit,
    'parts',
    { summary: 'list the parts of the log and what was archived', example: 'leasegate audit parts' },
    async () => (await actions()).parts,
  );
  set.leaf(
    audit,
    'exports',
    {
      summary: 'list scheduled exports: last, next, and what went wrong',
      example: 'leasegate audit exports',
    },
    async () => (await actions()).exports,
  );
  const holds = set.group(audit, 'holds', 'legal holds: entries that must stay');
  withPages(
    set.leaf(
      holds,
      'list',
      { summary: 'list legal holds', example: 'leasegate audit holds list' },
      async () => (await actions()).listHolds,
    ),
  );
  set
    .leaf(
      holds,
      'place',
      {
        summary: 'place a legal hold; all that is given must hold of an entry',
        example: 'leasegate audit holds place --run nightly-42 --reason "case 7"',
      },
      async () => (await actions()).placeHold,
    )
    .option('--kind <kind>', 'kind of event; repeatable', gather)
    .option('--from <time>', 'from this time (RFC 3339), included')
    .option('--to <time>', 'to this time, excluded')
    .option('--run <id>', "of this run, by the platform's id")
    .option('--run-ref <id>', 'of this run, by our id')
    .option('--grant <grant>', 'of this grant')
    .option('--lease <id>', 'of this lease')
    .option('--credential <name>', 'of this credential')
    .option('--tool <name>', 'of this tool')
    .option('--workload <subject>', 'of this workload')
    .option('--actor <subject>', 'done by this subject')
    .option('--account <name>', 'of this database user or certificate serial')
    .requiredOption('--reason <text>', 'why; kept in the audit log');
  set
    .leaf(
      holds,
      'lift <id>',
      {
        summary: 'lift a legal hold',
        example: 'leasegate audit holds lift 0198c0de-0000-7000-8000-000000000000 --reason "case closed"',
      },
      async () => (await actions()).liftHold,
    )
    .requiredOption('--reason <text>', 'why; kept in the audit log');
}
