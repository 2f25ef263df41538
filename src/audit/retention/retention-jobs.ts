import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Transactions } from '../../database/transaction.js';
import { systemCaller } from '../../kernel/caller.js';
import { Clock } from '../../kernel/clock.js';
import { Ids } from '../../kernel/ids.js';
import { JobRegistry } from '../../scheduler/job.js';
import { Settings } from '../../settings/schema.js';
import { withMaintenance } from './maintenance.js';
import { retentionClasses } from './retention-classes.js';

const HOUR_MS = 3_600_000;
/** Beyond the longest statement, which copies a month of entries. */
const LONGEST_MS = 12 * HOUR_MS;

/**
 * Cuts the log by months, and archives what is old where this login owns the tables. Where it does not, which is better,
 * `leasegate audit archive` does that with the owner's login.
 */
@Injectable()
export class RetentionJobs implements OnModuleInit {
  constructor(
    private readonly registry: JobRegistry,
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly transactions: Transactions,
  ) {}

  onModuleInit(): void {
    const { retention } = this.settings.values.audit;
    // Looked at here, so that a class of a kind that there is none of ends the start.
    const classes = retentionClasses(retention);
    this.registry.add({
      name: 'audit.retention',
      everyMs: HOUR_MS,
      sharing: 'exclusive',
      longestMs: LONGEST_MS,
      run: async (signal) => ({
        worked: (await this.cut()) + (classes.length === 0 ? 0 : await this.retain(signal)),
      }),
    });
  }

  /** Ends the open part when its month is over; answers how many parts it ended. */
  async cut(): Promise<number> {
    return withMaintenance(this.settings, this.clock, this.ids, async ({ parts, transactions, audit }) => {
      const caller = systemCaller('retention', this.ids.uuid());
      const cut = (): Promise<boolean> =>
        transactions.run(async (tx) => {
          const before = (await parts.list(tx)).at(-1)?.fromIndex;
          if (!(await parts.cutMonth(tx))) return false;
          const ended = (await parts.list(tx)).find(({ fromIndex }) => fromIndex === before);
          const facts = { from_index: ended?.fromIndex ?? 0, to_index: ended?.toIndex ?? 0 };
          await audit.append(tx, 'audit.part_closed', { caller }, facts);
          return true;
        });
      // The first call prepares a large part, the second one cuts it.
      return (await cut()) || (await cut()) ? 1 : 0;
    });
  }

  private async retain(signal: AbortSignal): Promise<number> {
    const [owner] = await this.transactions.reads.query<{ ours: boolean }[]>(
      `SELECT pg_has_role(relowner, 'MEMBER') AS ours FROM pg_class WHERE oid = 'audit_entry'::regclass`,
    );
    if (owner?.ours !== true) return 0;
    return withMaintenance(this.settings, this.clock, this.ids, async ({ retention }) => {
      const steps = await retention.run({ signal });
      return steps.filter(({ did }) => did !== 'held').length;
    });
  }
}
