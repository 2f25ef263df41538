import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../audit/audit-inbox.js';
import { Transactions } from '../database/transaction.js';
import { systemCaller } from '../kernel/caller.js';
import { Clock } from '../kernel/clock.js';
import { Ids } from '../kernel/ids.js';
import { Settings } from '../settings/schema.js';
import { RevocationHold } from './hold.js';
import { LeaseMetrics } from './lease-metrics.js';

/** Tells when the revocations of a mount fall behind, and when they have caught up; each once, whichever replica sees it. */
@Injectable()
export class RevocationLag {
  constructor(
    private readonly metrics: LeaseMetrics,
    private readonly hold: RevocationHold,
    private readonly transactions: Transactions,
    private readonly audit: AuditInbox,
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Looks at every mount; answers how many events that made. Held revocations lag too: the credentials live on. */
  async watch(): Promise<number> {
    const bound = this.settings.values.leases.lagAlertSeconds;
    const [lags, held] = [await this.metrics.revocationLags(), await this.hold.held()];
    const late = lags.filter(({ lagSeconds }) => lagSeconds >= bound);
    const now = this.clock.now();
    const caller = systemCaller('watch-revocation-lag', this.ids.uuid());
    return this.transactions.run(async (tx) => {
      let told = 0;
      for (const { mount, lagSeconds, waiting } of late) {
        const fresh = await tx.query<unknown[]>(
          'INSERT INTO revocation_lags (mount, since) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING mount',
          [mount, new Date(now.getTime() - lagSeconds * 1000)],
        );
        if (fresh.length === 0) continue;
        const data = { mount, lag_seconds: Math.floor(lagSeconds), waiting, held };
        await this.audit.append(tx, 'revocation.lagging', { caller, outcome: 'failure' }, data);
        told += 1;
      }
      const [over] = await tx.query<[{ mount: string; since: Date }[], number]>(
        'DELETE FROM revocation_lags WHERE mount <> ALL($1::text[]) RETURNING mount, since',
        [late.map(({ mount }) => mount)],
      );
      for (const { mount, since } of over) {
        const lagged = Math.floor((now.getTime() - since.getTime()) / 1000);
        await this.audit.append(
          tx,
          'revocation.caught_up',
          { caller },
          { mount, lagged_seconds: Math.max(0, lagged) },
        );
      }
      return told + over.length;
    });
  }
}
