import type { Command } from 'commander';
import { gather, parseSeconds, type CommandSet } from '../command-set.js';
import { withPages } from './list-options.js';

/** `alert …`: what somebody should know at once. */
export function defineAlertCommands(set: CommandSet, program: Command): void {
  const alert = set.group(program, 'alert', 'alerts: what the log says that somebody should know at once');
  withPages(
    set.leaf(
      alert,
      'list',
      { summary: 'list alerts', example: 'leasegate alert list --state firing' },
      async () => (await import('../actions/alert.js')).list,
    ),
  )
    .option('--state <state>', 'only in this state: firing, resolved')
    .option('--rule <rule>', 'only of this rule')
    .option('--severity <severity>', 'only of this severity: info, warning, critical');
  set.leaf(
    alert,
    'get <alert>',
    {
      summary: 'show an alert, and who was told of it',
      example: 'leasegate alert get 0198c0de-0000-7000-8000-000000000000',
    },
    async () => (await import('../actions/alert.js')).get,
  );
  set.leaf(
    alert,
    'rules',
    { summary: 'list the rules that the broker has read', example: 'leasegate alert rules' },
    async () => (await import('../actions/alert.js')).rules,
  );
  set
    .leaf(
      alert,
      'test',
      {
        summary: 'send a test to the channels; exits with 1 when one of them did not take it',
        example: 'leasegate alert test --channel on-call',
      },
      async () => (await import('../actions/alert.js')).test,
    )
    .option('--rule <rule>', 'to the channels of this rule')
    .option('--channel <channel>', 'to this channel alone');
  set
    .leaf(
      alert,
      'silence',
      {
        summary: 'keep alerts from being told for a while',
        example: 'leasegate alert silence --match rule=shadow-egress --for 2h --comment "migration"',
      },
      async () => (await import('../actions/alert.js')).silence,
    )
    .requiredOption(
      '--match <name=value>',
      'rule, severity or a label, and the value that it must have; may be repeated, all must hold',
      gather,
    )
    .requiredOption('--for <duration>', 'how long: 900, 15m or 2h', parseSeconds)
    .requiredOption('--comment <text>', 'why; kept in the audit log');
  withPages(
    set.leaf(
      alert,
      'silences',
      { summary: 'list silences', example: 'leasegate alert silences --active true' },
      async () => (await import('../actions/alert.js')).silences,
    ),
  ).option('--active <boolean>', 'only those that hold (true) or are over (false)');
  set.leaf(
    alert,
    'unsilence <silence>',
    {
      summary: 'end a silence early; what it held back is told at once',
      example: 'leasegate alert unsilence 0198c0de-0000-7000-8000-000000000000',
    },
    async () => (await import('../actions/alert.js')).unsilence,
  );
}
