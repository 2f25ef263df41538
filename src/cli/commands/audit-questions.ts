import { Option, type Command } from 'commander';
import { parseCount, type CommandSet } from '../command-set.js';
import { withPages } from './list-options.js';

/** The questions that an auditor has, below `audit`; `withFilters` adds the filters of events. */
export function defineAuditQuestions(
  set: CommandSet,
  audit: Command,
  withFilters: (command: Command) => Command,
): void {
  withFilters(
    set.leaf(
      audit,
      'count',
      { summary: 'count records', example: 'leasegate audit count --kind lease.refused --json' },
      async () => (await import('../actions/audit-questions.js')).count,
    ),
  ).option('--at-most <count>', 'stop counting there (1000000)', parseCount);
  withFilters(
    set.leaf(
      audit,
      'histogram',
      {
        summary: 'count records over time; of the last day unless told',
        example: 'leasegate audit histogram --interval 1h --by outcome',
      },
      async () => (await import('../actions/audit-questions.js')).histogram,
    ),
  )
    .option('--interval <length>', 'length of a step such as 5m, 1h or 1d')
    .addOption(new Option('--by <field>', 'count each apart').choices(['kind', 'outcome']));
  withPages(
    set
      .leaf(
        audit,
        'who-held',
        {
          summary: 'find who held a credential, database user, token or certificate; the latest first',
          example: 'leasegate audit who-held --account v-token-orders-r-wKsH --at 2026-11-21T09:30:00Z',
        },
        async () => (await import('../actions/audit-questions.js')).whoHeld,
      )
      .option('--credential <name>', 'this credential')
      .option('--account <name>', 'this database user')
      .option('--accessor <accessor>', "the lease's token in Vault with this accessor")
      .option('--serial <number>', 'the certificate with this serial number, in hex')
      .option('--lease <id>', 'this lease')
      .option('--run-ref <id>', 'whatever this run held, by our id')
      .option('--at <time>', 'at this moment (RFC 3339)')
      .option('--from <time>', 'at some moment from this one on')
      .option('--to <time>', 'at some moment before this one'),
  );
  set
    .leaf(
      audit,
      'run <run>',
      {
        summary: 'tell the story of a run, by its id here or at the platform',
        example: 'leasegate audit run nightly-42 --html nightly-42.html',
      },
      async () => (await import('../actions/run-story.js')).tell,
    )
    .option('--html <file>', 'write a page that needs nothing else to a new file that only you can read');
}
