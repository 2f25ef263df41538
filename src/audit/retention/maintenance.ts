import type { DataSource } from 'typeorm';
import { createDataSource } from '../../database/data-source.js';
import { DataSourceTransactions, type Transactions } from '../../database/transaction.js';
import type { Clock } from '../../kernel/clock.js';
import type { Ids } from '../../kernel/ids.js';
import type { Settings } from '../../settings/schema.js';
import { AuditInbox } from '../audit-inbox.js';
import { Checkpoints } from '../log/checkpoints.js';
import { LogTree } from '../log/log-tree.js';
import { LogArchive } from './archive.js';
import { LegalHolds } from './legal-holds.js';
import { LogRetention } from './log-retention.js';
import { LogParts } from './parts.js';
import { RetentionWait } from './retention-wait.js';

/** Longest statement: a month of entries is copied in one. */
const STATEMENT_MS = 6 * 3_600_000;
/** Longest rest between two statements of a transaction: one that stands still holds locks that others wait for. */
const IDLE_MS = 15_000;

/** What works on whole parts of the log, on connections of its own. */
export interface Maintenance {
  readonly transactions: Transactions;
  readonly audit: AuditInbox;
  readonly parts: LogParts;
  readonly retention: LogRetention;
}

/** Opens connections on which a statement may take hours, and closes them behind the work. */
export async function withMaintenance<T>(
  settings: Settings,
  clock: Clock,
  ids: Ids,
  work: (maintenance: Maintenance) => Promise<T>,
): Promise<T> {
  const dataSource: DataSource = createDataSource(settings, {
    poolSize: 3,
    statementTimeoutMs: STATEMENT_MS,
    idleInTransactionMs: IDLE_MS,
  });
  await dataSource.initialize();
  try {
    return await work(maintenanceOf(settings, clock, ids, new DataSourceTransactions(dataSource)));
  } finally {
    await dataSource.destroy();
  }
}

/** The same on given connections. */
export function maintenanceOf(
  settings: Settings,
  clock: Clock,
  ids: Ids,
  transactions: Transactions,
): Maintenance {
  const inbox = new AuditInbox(settings, clock, ids, transactions);
  const parts = new LogParts(transactions);
  const holds = new LegalHolds(transactions, inbox, clock, ids);
  const archive = new LogArchive(
    settings,
    transactions,
    new LogTree(transactions),
    new Checkpoints(transactions),
  );
  return {
    transactions,
    audit: inbox,
    parts,
    retention: new LogRetention(
      settings,
      clock,
      ids,
      transactions,
      inbox,
      parts,
      holds,
      archive,
      new RetentionWait(settings, clock, transactions, inbox),
    ),
  };
}
