import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../../audit/audit-inbox.js';
import { Transactions } from '../../database/transaction.js';
import { actorName, type Caller } from '../../kernel/caller.js';
import { Clock } from '../../kernel/clock.js';
import { Settings } from '../../settings/schema.js';
import { usualDevice } from '../../settings/vault-audit-schema.js';
import { readLines } from './log-lines.js';
import { insertBatch, type BatchSummary } from './shadow-batches.js';
import { VaultLog } from './vault-log.js';

/** Under which name batches of Vault's log are written down. */
export const VAULT_FORMAT = 'vault-audit';

/** Takes lines of Vault's audit log: uses of our leases, and reads of managed credentials that were for none of them. */
@Injectable()
export class VaultImport {
  constructor(
    private readonly settings: Settings,
    private readonly log: VaultLog,
    private readonly audit: AuditInbox,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /**
   * As {@link EgressImport.take}. A read of which nobody can tell whose it was counts as undecided, and is no event.
   * `device` is the audit device that wrote it: the one of the settings unless given.
   */
  async take(caller: Caller, body: AsyncIterable<Buffer>, device?: string): Promise<BatchSummary> {
    const reading = await this.log.begin(device ?? usualDevice(this.settings.values.vaultAudit));
    const { digest, lines } = await readLines(body, (line) => reading.add(line));
    const { ours, undecided, shadow, unreadable } = reading.counts;
    const found = reading.reads().length;
    return this.transactions.run(async (tx) => {
      const summary = await insertBatch(
        tx,
        { digest, format: VAULT_FORMAT },
        { ...reading.counts, lines, managed: ours + undecided + shadow, events: found },
        { at: this.clock.now(), by: actorName(caller.actor) },
      );
      if (summary.repeated) return summary;
      await this.log.record(tx, caller, reading, 'import', summary.batch);
      await this.audit.append(
        tx,
        'shadow.imported',
        { caller },
        { format: VAULT_FORMAT, batch: summary.batch, lines, unreadable, found },
      );
      return summary;
    });
  }
}
