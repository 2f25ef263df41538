import type { Command } from 'commander';
import { parseCount } from '../command-set.js';

/** Options of every list. */
export function withPages(command: Command): Command {
  return command
    .option('--limit <count>', 'items on a page', parseCount)
    .option('--cursor <cursor>', 'the next page, as the one before named it')
    .option('--all', 'every page');
}
