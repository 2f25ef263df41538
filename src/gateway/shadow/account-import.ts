import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../../audit/audit-inbox.js';
import { Transactions } from '../../database/transaction.js';
import { actorName, type Caller } from '../../kernel/caller.js';
import { Clock } from '../../kernel/clock.js';
import { Settings } from '../../settings/schema.js';
import { readLines } from './log-lines.js';
import { insertBatch, type BatchSummary } from './shadow-batches.js';
import { AccountReading, Arrivals } from './uses/account-reading.js';
import { LeaseUses } from './uses/lease-uses.js';

/** Under which name batches of PostgreSQL logs are written down. */
export const POSTGRES_FORMAT = 'postgres';

/** Takes logs of PostgreSQL targets, and records logins of the accounts of leases. */
@Injectable()
export class AccountImport {
  constructor(
    private readonly settings: Settings,
    private readonly uses: LeaseUses,
    private readonly audit: AuditInbox,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /** As {@link EgressImport.take}. Logins of others are nobody's business here: `managed` and `ours` are of leases. */
  async take(caller: Caller, body: AsyncIterable<Buffer>, mount?: string): Promise<BatchSummary> {
    const now = this.clock.now();
    const reading = new AccountReading({
      transactions: this.transactions,
      arrivals: new Arrivals(),
      mount,
      now,
      spanMs: this.settings.values.vaultAudit.groupSeconds * 1_000,
    });
    const { digest, lines } = await readLines(body, (line) => reading.add(line));
    const groups = await reading.finish();
    const { ours, unreadable } = reading.counts;
    return this.transactions.run(async (tx) => {
      const summary = await insertBatch(
        tx,
        { digest, format: POSTGRES_FORMAT },
        { lines, unreadable, managed: ours, ours, undecided: 0, shadow: 0, events: 0 },
        { at: now, by: actorName(caller.actor) },
      );
      if (summary.repeated) return summary;
      await this.uses.add(tx, 'import', groups);
      await this.audit.append(
        tx,
        'shadow.imported',
        { caller },
        { format: POSTGRES_FORMAT, batch: summary.batch, lines, unreadable, found: 0 },
      );
      return summary;
    });
  }
}
