import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../../../audit/audit-inbox.js';
import { Transactions } from '../../../database/transaction.js';
import { systemCaller } from '../../../kernel/caller.js';
import { Clock } from '../../../kernel/clock.js';
import { Ids } from '../../../kernel/ids.js';
import { Settings } from '../../../settings/schema.js';
import { AccountReading, Arrivals } from '../uses/account-reading.js';
import { LeaseUses } from '../uses/lease-uses.js';
import { VaultLog } from '../vault-log.js';
import { followFile, type FollowedFile, type FollowParts } from './follow-file.js';
import { LogCursors } from './log-cursors.js';

/** Follows the files that the settings name: that of Vault's audit device, and the logs of targets. */
@Injectable()
export class FollowLogs {
  readonly #files: readonly FollowedFile[];
  readonly #parts: FollowParts;

  constructor(
    private readonly settings: Settings,
    private readonly vaultLog: VaultLog,
    private readonly uses: LeaseUses,
    cursors: LogCursors,
    audit: AuditInbox,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {
    this.#parts = { cursors, audit, transactions };
    const { vaultAudit, targetLogs } = settings.values;
    this.#files = [
      ...(vaultAudit.file === undefined ? [] : [this.#vault(vaultAudit.file)]),
      ...targetLogs.map((target) => this.#target(target)),
    ];
  }

  /** Whether there is anything to follow. */
  get any(): boolean {
    return this.#files.length > 0;
  }

  /** Reads on in each file to its end; answers how many lines. One that fails does not keep the others. */
  async step(signal: AbortSignal, progress: () => void = () => undefined): Promise<number> {
    const caller = systemCaller('log-follower', this.ids.uuid());
    const results = await Promise.allSettled(
      this.#files.map((file) => followFile({ ...this.#parts, progress }, file, caller, signal)),
    );
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return results.reduce((sum, result) => sum + (result.status === 'fulfilled' ? result.value : 0), 0);
  }

  #vault({ device, path, node }: NonNullable<Settings['values']['vaultAudit']['file']>): FollowedFile {
    const source = sourceName('vault-audit.file', node, path);
    return {
      source,
      path,
      take: async (lines) => {
        const reading = await this.vaultLog.begin(device);
        for (const line of lines) await reading.add(line);
        const caller = systemCaller('log-follower', this.ids.uuid());
        return (tx) => this.vaultLog.record(tx, caller, reading, source, source);
      },
    };
  }

  #target({ mount, file, node }: Settings['values']['targetLogs'][number]): FollowedFile {
    const arrivals = new Arrivals();
    const source = sourceName(`target-log.${mount}`, node, file);
    return {
      source,
      path: file,
      take: async (lines) => {
        const reading = new AccountReading({
          transactions: this.transactions,
          arrivals,
          mount,
          now: this.clock.now(),
          spanMs: this.settings.values.vaultAudit.groupSeconds * 1_000,
        });
        for (const line of lines) await reading.add(line);
        const groups = await reading.finish();
        return (tx) => this.uses.add(tx, source, groups);
      },
    };
  }
}

function sourceName(kind: string, node: string, path: string): string {
  return [kind, ...(node === '' ? [] : [node]), path].join(':');
}
