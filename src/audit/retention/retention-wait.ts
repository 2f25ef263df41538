import { Transactions } from '../../database/transaction.js';
import type { Caller } from '../../kernel/caller.js';
import { Clock } from '../../kernel/clock.js';
import { Settings } from '../../settings/schema.js';
import { AuditInbox } from '../audit-inbox.js';
import { behindFollowers } from './log-followers.js';
import type { ClosedRange } from './part-rebuild.js';
import type { PartArchive } from './parts.js';

const DAY_MS = 86_400_000;

/** Keeps entries in the database until the sinks and scheduled exports of the settings have read them. */
export class RetentionWait {
  constructor(
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly transactions: Transactions,
    private readonly audit: AuditInbox,
  ) {}

  /**
   * Whether somebody has not read the entries yet, for no longer than may be waited. The first time is an event; with
   * `dryRun` nothing is written.
   */
  async waits(
    caller: Caller,
    range: ClosedRange,
    row: Pick<PartArchive, 'class' | 'kinds' | 'entries'>,
    dryRun: boolean,
  ): Promise<boolean> {
    const { waitForSinks, waitAtMostDays } = this.settings.values.audit.retention;
    if (!waitForSinks) return false;
    const { reads } = this.transactions;
    const readers = await behindFollowers(reads, this.settings.values, range, row.kinds);
    if (readers.length === 0) return false;
    const key = [range.fromIndex, row.class];
    const [wait] = await reads.query<{ since: Date }[]>(
      'SELECT since FROM audit_retention_wait WHERE from_idx = $1 AND class = $2',
      key,
    );
    if (wait === undefined) {
      if (!dryRun) await this.begin(caller, range, row, readers);
      return true;
    }
    return (
      waitAtMostDays === undefined ||
      this.clock.now().getTime() - wait.since.getTime() < waitAtMostDays * DAY_MS
    );
  }

  private async begin(
    caller: Caller,
    { fromIndex, toIndex }: ClosedRange,
    row: Pick<PartArchive, 'class' | 'entries'>,
    readers: readonly string[],
  ): Promise<void> {
    await this.transactions.run(async (tx) => {
      const begun = await tx.query<unknown[]>(
        `INSERT INTO audit_retention_wait (from_idx, class, since) VALUES ($1, $2, $3)
         ON CONFLICT DO NOTHING RETURNING 1`,
        [fromIndex, row.class, this.clock.now()],
      );
      if (begun.length === 0) return;
      const range = { from_index: fromIndex, to_index: toIndex };
      await this.audit.append(
        tx,
        'audit.retention_waits',
        { caller, outcome: 'failure' },
        { ...range, class: row.class, entries: row.entries, readers },
      );
    });
  }
}
