import type { Command } from 'commander';
import type { CommandSet } from '../command-set.js';
import { withPages } from './list-options.js';

/** `leases stuck|retry|forget`: revocations that fail again and again. */
export function defineStuckCommands(set: CommandSet, leases: Command): void {
  withPages(
    set.leaf(
      leases,
      'stuck',
      {
        summary: 'list leases whose revocation fails again and again',
        example: 'leasegate leases stuck --credential orders-readonly',
      },
      async () => (await import('../actions/stuck-leases.js')).listStuck,
    ),
  ).option('--credential <name>', 'only of this credential');
  set
    .leaf(
      leases,
      'retry <lease>',
      {
        summary: 'try the revocation of a lease again, now',
        example: 'leasegate leases retry 0198c0de-0000-7000-8000-000000000000',
      },
      async () => (await import('../actions/stuck-leases.js')).retryLease,
    )
    .option('--reason <text>', 'why; kept in the audit log');
  set
    .leaf(
      leases,
      'forget <lease>',
      {
        summary: 'give up on a stuck lease without a proof; says what may still be alive',
        example:
          'leasegate leases forget 0198c0de-0000-7000-8000-000000000000 --reason "database is gone, DBA-1234"',
      },
      async () => (await import('../actions/stuck-leases.js')).forgetLease,
    )
    .requiredOption('--reason <text>', 'why, and who looks after it; kept in the audit log');
}
