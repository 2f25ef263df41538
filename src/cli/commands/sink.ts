import type { Command } from 'commander';
import { gather, type CommandSet } from '../command-set.js';
import { withPages } from './list-options.js';

/** `sink …`: who is sent the log. */
export function defineSinkCommands(set: CommandSet, program: Command): void {
  const sink = set.group(program, 'sink', 'sinks: who is sent the log, and what they would not take');
  set.leaf(
    sink,
    'list',
    { summary: 'list sinks, and how far behind the log they are', example: 'leasegate sink list' },
    async () => (await import('../actions/sink.js')).list,
  );
  withPages(
    set.leaf(
      sink,
      'dead-letters <sink>',
      {
        summary: 'list the events that a sink would not take',
        example: 'leasegate sink dead-letters siem --state dead',
      },
      async () => (await import('../actions/sink.js')).deadLetters,
    ),
  ).option('--state <state>', 'only in this state: dead, retrying, delivered');
  set
    .leaf(
      sink,
      'retry <sink>',
      {
        summary: 'try a sink again at once, and its dead letters with it',
        example: 'leasegate sink retry siem',
      },
      async () => (await import('../actions/sink.js')).retry,
    )
    .option('--letter <letter>', 'only this dead letter; may be repeated', gather);
}
