import type { Command } from 'commander';
import type { CommandSet } from '../command-set.js';
import { withPages } from './list-options.js';
import { defineStuckCommands } from './stuck-leases.js';

/** `run …` and `leases …`: what is going on, and how to end it. */
export function defineOperationCommands(set: CommandSet, program: Command): void {
  const run = set.group(program, 'run', 'runs: the parents of everything leased');
  withPages(
    set.leaf(
      run,
      'list',
      { summary: 'list runs', example: 'leasegate run list --state open --grant nightly-orders' },
      async () => (await import('../actions/operation.js')).listRuns,
    ),
  )
    .option('--state <state>', 'only in this state')
    .option('--subject <subject>', 'only of this workload');
  set.leaf(
    run,
    'get <run>',
    {
      summary: 'show a run by our id (run_ref)',
      example: 'leasegate run get 0198c0de-0000-7000-8000-000000000000',
    },
    async () => (await import('../actions/operation.js')).getRun,
  );
  set
    .leaf(
      run,
      'close [run]',
      {
        summary: 'end a run and its leases: as an admin the one named, as a worker (none named) the own one',
        example: 'leasegate run close --run-id nightly-42 --step-id load',
      },
      async () => (await import('../actions/operation.js')).closeRun,
    )
    .option('--reason <text>', 'why; kept in the audit log');
  set
    .leaf(
      run,
      'revoke <run>',
      {
        summary: 'end a run that must not go on, with its leases',
        example: 'leasegate run revoke 0198c0de-0000-7000-8000-000000000000',
      },
      async () => (await import('../actions/operation.js')).revokeRun,
    )
    .option('--reason <text>', 'why; kept in the audit log');

  const leases = set.group(program, 'leases', 'leases of all runs');
  withPages(
    set.leaf(
      leases,
      'list',
      {
        summary: 'list leases',
        example: 'leasegate leases list --state active --credential orders-readonly',
      },
      async () => (await import('../actions/operation.js')).listLeases,
    ),
  )
    .option('--state <state>', 'only in this state')
    .option('--run <run>', "only of this run, by our id or the platform's")
    .option('--credential <name>', 'only of this credential')
    .option('--kind <kind>', 'only of this kind: database, kv, pki');
  set.leaf(
    leases,
    'get <lease>',
    {
      summary: 'show a lease; never its credential',
      example: 'leasegate leases get 0198c0de-0000-7000-8000-000000000000',
    },
    async () => (await import('../actions/operation.js')).getLease,
  );
  set
    .leaf(
      leases,
      'revoke <lease>',
      { summary: 'end a lease', example: 'leasegate leases revoke 0198c0de-0000-7000-8000-000000000000' },
      async () => (await import('../actions/operation.js')).revokeLease,
    )
    .option('--reason <text>', 'why; kept in the audit log');

  defineStuckCommands(set, leases);
}
