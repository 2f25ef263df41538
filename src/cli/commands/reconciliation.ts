import type { Command } from 'commander';
import { parseSeconds, type CommandSet } from '../command-set.js';
import { withPages } from './list-options.js';

const actions = async () => import('../actions/reconciliation.js');

/** `reconcile`, `reconciliation …` and `hold …`: whether the books agree, and what to do when one was restored. */
export function defineReconciliationCommands(set: CommandSet, program: Command): void {
  set
    .leaf(
      program,
      'reconcile',
      {
        summary: 'compare the database with Vault and the targets, and settle the differences',
        example: 'leasegate reconcile --dry-run',
      },
      async () => (await actions()).reconcile,
    )
    .option('--dry-run', 'only look')
    .option('--reason <text>', 'why; kept in the audit log')
    .option('--timeout <seconds>', 'how long to wait for the report: 600, 10m', parseSeconds, 600);

  const reports = set.group(program, 'reconciliation', 'reports of comparisons');
  withPages(
    set.leaf(
      reports,
      'list',
      { summary: 'list reconciliations', example: 'leasegate reconciliation list' },
      async () => (await actions()).listReconciliations,
    ),
  );
  set.leaf(
    reports,
    'get <id>',
    {
      summary: 'show a report and its findings',
      example: 'leasegate reconciliation get 0198c0de-0000-7000-8000-000000000000',
    },
    async () => (await actions()).getReconciliation,
  );
  set.leaf(
    reports,
    'abort <id>',
    {
      summary: 'end one that waits or runs',
      example: 'leasegate reconciliation abort 0198c0de-0000-7000-8000-000000000000',
    },
    async () => (await actions()).abortReconciliation,
  );

  const hold = set.group(program, 'hold', 'the hold on revocations, for a restored database or Vault');
  set.leaf(
    hold,
    'status',
    { summary: 'whether revocations are held, why, and what is unknown', example: 'leasegate hold status' },
    async () => (await actions()).holdStatus,
  );
  set
    .leaf(
      hold,
      'set',
      {
        summary: 'revoke nothing until released',
        example: 'leasegate hold set --reason "restoring the database"',
      },
      async () => (await actions()).setHold,
    )
    .option('--reason <text>', 'why; kept in the audit log');
  set
    .leaf(
      hold,
      'release',
      {
        summary: 'revoke again, beginning with what is due',
        example: 'leasegate hold release --reason "looked and reconciled"',
      },
      async () => (await actions()).releaseHold,
    )
    .requiredOption('--reason <text>', 'what was looked at; kept in the audit log');
}
