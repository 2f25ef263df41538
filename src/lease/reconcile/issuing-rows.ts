import { Injectable } from '@nestjs/common';
import { Transactions } from '../../database/transaction.js';
import { systemCaller } from '../../kernel/caller.js';
import { Clock } from '../../kernel/clock.js';
import { crashPoint } from '../../kernel/crash-point.js';
import { Ids } from '../../kernel/ids.js';
import { Settings } from '../../settings/schema.js';
import { LEASE_COLUMNS, LEASE_JOINS, leaseOf, type LeaseRow } from '../lease-row.js';
import { RevocationRequests } from '../revocation-requests.js';
import type { RunReport } from './run-report.js';

/** Finds leases whose broker died while it was issuing them. */
@Injectable()
export class IssuingReconciliation {
  constructor(
    private readonly transactions: Transactions,
    private readonly requests: RevocationRequests,
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /**
   * Makes rows that are `issuing` for too long `orphaned`, at most `limit`; answers how many. A broker that was only
   * slow finds its lease gone at step 5 and revokes what it made.
   */
  async run(limit: number): Promise<number> {
    const now = this.clock.now();
    const bound = this.bound(now);
    const caller = systemCaller('reconcile-issuing', this.ids.uuid());
    const orphaned = await this.transactions.run(async (tx) => {
      const rows = await tx.query<LeaseRow[]>(
        `WITH due AS (
           SELECT id FROM leases WHERE state = 'issuing' AND requested_at < $1
           ORDER BY requested_at LIMIT $3 FOR UPDATE SKIP LOCKED
         ), orphaned AS (
           UPDATE leases l SET state = 'orphaned', revoke_cause = 'crashed', revoke_requested_at = $2, next_attempt_at = $2
           FROM due WHERE l.id = due.id RETURNING l.*
         )
         SELECT ${LEASE_COLUMNS} FROM orphaned l ${LEASE_JOINS}`,
        [bound, now, limit],
      );
      const leases = rows.map(leaseOf);
      await this.requests.recordAll(tx, 'lease.orphaned', leases, caller, (lease) => ({
        age_seconds: Math.floor((now.getTime() - lease.requestedAt.getTime()) / 1000),
      }));
      if (leases.length > 0) crashPoint('reconcile.issuing.before-commit');
      return leases.length;
    });
    if (orphaned > 0) crashPoint('reconcile.issuing.orphaned');
    return orphaned;
  }

  /** Reports rows that are `issuing` for too long, at most `limit`; where the report may act they become `orphaned`. */
  async report(report: RunReport, limit: number): Promise<void> {
    const overdue = await this.transactions.reads.query<{ id: string; credential: string; mount: string }[]>(
      `SELECT id, credential, mount FROM leases WHERE state = 'issuing' AND requested_at < $1 ORDER BY requested_at LIMIT $2`,
      [this.bound(this.clock.now()), limit],
    );
    const acts = report.mode !== 'look' && overdue.length > 0;
    if (acts) await this.run(limit);
    for (const { id, credential, mount } of overdue) {
      const detail = 'its broker died, or froze, while it was being issued';
      const action = acts ? 'done' : 'none';
      await report.add({ kind: 'issuing_orphaned', detail, credential, mount, leaseId: id, action });
    }
  }

  private bound(now: Date): Date {
    return new Date(now.getTime() - this.settings.values.leases.issuingBoundSeconds * 1000);
  }
}
