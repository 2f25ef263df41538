import type { Command } from 'commander';
import { gather, parseSeconds, type CommandSet } from '../command-set.js';
import { withPages } from './list-options.js';

/** `kill`: ends everything that is named, at once and on every replica. */
export function defineKillCommand(set: CommandSet, program: Command): void {
  set
    .leaf(
      program,
      'kill',
      {
        summary: 'end everything of one thing: nothing new from now on, and all its leases revoked',
        example: 'leasegate kill --workload dev#jobs/nightly-orders --reason "stolen token" --wait',
      },
      async () => (await import('../actions/kill.js')).kill,
    )
    .option('--run <id>', 'a run, by our id: revokes it')
    .option('--grant <grant>', 'a grant: suspends it, or revokes it with --revoke-grants')
    .option('--workload <issuer#subject>', 'a workload: blocks it and ends its runs')
    .option('--issuer <issuer>', 'all workloads of an issuer: blocks them and ends their runs')
    .option('--credential <name>', 'a credential: disables it')
    .option('--target <mount>', 'a mount of Vault: blocks it and disables its credentials')
    .option('--label <key=value>', 'every grant with this label')
    .option('--lease <id>', 'a lease; may be repeated', gather)
    .option('--revoke-grants', 'revoke grants for good instead of suspending them')
    .option('--until <time>', 'when a block ends by itself (RFC 3339)')
    .option('--dry-run', 'say what would end, and end nothing')
    .option('--reason <text>', 'why; kept in the audit log')
    .option('--yes', 'confirm a large kill without being asked; needs --reason')
    .option('--wait', 'wait until every end is proved; exit 1 when something is outstanding')
    .option('--wait-seconds <time>', 'how long --wait waits; 60 unless told', parseSeconds);
}

/** `blocks …`: what a kill left blocked, and how to let it in again. */
export function defineBlockCommands(set: CommandSet, program: Command): void {
  const blocks = set.group(program, 'blocks', 'workloads, issuers and targets that are blocked');
  withPages(
    set.leaf(
      blocks,
      'list',
      { summary: 'list blocks, newest first', example: 'leasegate blocks list --standing true' },
      async () => (await import('../actions/blocks.js')).listBlocks,
    ),
  ).option('--standing <boolean>', 'only those that stand (true) or were lifted (false)');
  set
    .leaf(
      blocks,
      'lift <block>',
      {
        summary: 'let a workload, an issuer or a target in again; what ended stays dead',
        example: 'leasegate blocks lift 0198c0de-0000-7000-8000-000000000000 --reason "key rotated"',
      },
      async () => (await import('../actions/blocks.js')).liftBlock,
    )
    .option('--reason <text>', 'why; kept in the audit log');
}
