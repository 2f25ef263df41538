import { Option, type Command } from 'commander';
import type { CommandSet } from '../command-set.js';
import { withPages } from './list-options.js';

const GROUPINGS = ['run', 'step', 'grant', 'tool', 'workload', 'day'];

/** `cost …`: what calls came to, and whether providers agree. */
export function defineCostCommands(set: CommandSet, program: Command): void {
  const cost = set.group(program, 'cost', 'what calls of tools cost');
  withDays(
    withPages(
      set.leaf(
        cost,
        'list',
        {
          summary: 'sum what calls cost; the default command',
          example: 'leasegate cost --by tool --from 2026-03-01 --to 2026-04-01',
          isDefault: true,
        },
        async () => (await import('../actions/cost.js')).list,
      ),
    ),
  )
    .addOption(new Option('--by <what>', 'what to sum by').choices(GROUPINGS).default('tool'))
    .option('--run <run>', "only of this run, by our id or the platform's")
    .option('--tool <tool>', 'only of this tool')
    .option('--subject <subject>', 'only of this workload')
    .option('--csv', 'print all of it for a spreadsheet');
  set
    .leaf(
      cost,
      'import <file>',
      {
        summary: "take in a provider's usage, JSON Lines or CSV; - reads standard input",
        example: 'leasegate cost import usage-2026-03.csv --source openai',
      },
      async () => (await import('../actions/cost.js')).importUsage,
    )
    .addOption(
      new Option('--format <format>', 'csv for files that end so, jsonl otherwise').choices(['jsonl', 'csv']),
    )
    .option('--source <name>', 'whose usage it is, where the rows do not say');
  withDays(
    withPages(
      set.leaf(
        cost,
        'reconcile',
        {
          summary: 'compare our sums with what providers say; exits with 1 when they differ',
          example: 'leasegate cost reconcile --from 2026-03-01 --to 2026-04-01 --all',
        },
        async () => (await import('../actions/cost.js')).reconcile,
      ),
    ),
  );
}

function withDays(command: Command): Command {
  return command
    .option('--from <day>', 'first day of UTC; 31 days before the end unless told')
    .option('--to <day>', 'day of UTC that is not in it any more; tomorrow unless told');
}
