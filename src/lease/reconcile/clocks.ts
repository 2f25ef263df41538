import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../../audit/audit-inbox.js';
import { Transactions } from '../../database/transaction.js';
import { systemCaller } from '../../kernel/caller.js';
import { Clock } from '../../kernel/clock.js';
import { Ids } from '../../kernel/ids.js';
import { Settings } from '../../settings/schema.js';
import type { Summary } from './reconciliation.js';
import { VaultInventory } from './vault-inventory.js';

type Skew = Summary['skewMs'];
const OTHERS = ['database', 'vault'] as const;

/** How far the clocks of PostgreSQL and Vault are from this replica's. Expiries are compared across all three. */
@Injectable()
export class Clocks {
  #last: Skew = { database: null, vault: null };
  readonly #told = new Set<string>();

  constructor(
    private readonly transactions: Transactions,
    private readonly inventory: VaultInventory,
    private readonly settings: Settings,
    private readonly audit: AuditInbox,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** What was measured last on this replica. */
  get last(): Skew {
    return this.#last;
  }

  /** Measures now; null for a clock that does not tell. Records `clock.skewed` when one begins to be too far off. */
  async measure(): Promise<Skew> {
    this.#last = {
      database: await this.ahead(async () => {
        const [row] = await this.transactions.reads.query<{ now: Date }[]>('SELECT clock_timestamp() AS now');
        return row?.now;
      }),
      vault: await this.ahead(() => this.inventory.serverTime()),
    };
    for (const of of OTHERS) await this.tell(of, this.#last[of]);
    return this.#last;
  }

  /** Clocks that are further off than `reconciliation.maxSkewMs`. */
  tooFar(skew: Skew): readonly { readonly of: string; readonly skewMs: number }[] {
    const { maxSkewMs } = this.settings.values.reconciliation;
    return OTHERS.flatMap((of) => {
      const skewMs = skew[of];
      return skewMs === null || Math.abs(skewMs) <= maxSkewMs ? [] : [{ of, skewMs }];
    });
  }

  private async ahead(ask: () => Promise<Date | undefined>): Promise<number | null> {
    const before = this.clock.now().getTime();
    try {
      const there = await ask();
      const middle = (before + this.clock.now().getTime()) / 2;
      return there === undefined ? null : Math.round(there.getTime() - middle);
    } catch {
      // Whoever needs it finds out by himself that it is down.
      return null;
    }
  }

  private async tell(of: (typeof OTHERS)[number], skewMs: number | null): Promise<void> {
    const far = skewMs !== null && Math.abs(skewMs) > this.settings.values.reconciliation.maxSkewMs;
    if (!far) this.#told.delete(of);
    if (!far || this.#told.has(of)) return;
    const caller = systemCaller('clocks', this.ids.uuid());
    await this.audit.record('clock.skewed', { caller, outcome: 'failure' }, { of, skew_ms: skewMs });
    this.#told.add(of);
  }
}
