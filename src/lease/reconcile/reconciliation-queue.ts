import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../../audit/audit-inbox.js';
import { Transactions } from '../../database/transaction.js';
import { systemCaller } from '../../kernel/caller.js';
import { Clock } from '../../kernel/clock.js';
import { Ids } from '../../kernel/ids.js';
import { RECONCILIATION_COLUMNS, reconciliationOf, type ReconciliationRow } from './reconciliation-rows.js';
import type { Finding, Reconciliation, Summary } from './reconciliation.js';
import { Reconciliations } from './reconciliations.js';
import { countFields, NoLongerRunning } from './run-report.js';

/** Reports that are kept: of rounds that nobody asked for, and of all. */
const KEPT_ROUNDS = 100;
const KEPT = 1_000;

/** Takes reconciliations one at a time and writes their reports. Only the holder of the job uses it. */
@Injectable()
export class ReconciliationQueue {
  constructor(
    private readonly transactions: Transactions,
    private readonly reconciliations: Reconciliations,
    private readonly audit: AuditInbox,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Starts the one that waits longest. What is still `running` is of a replica that died or lost the job. */
  async next(): Promise<Reconciliation | undefined> {
    const now = this.clock.now();
    await this.transactions.reads.query(
      `UPDATE reconciliations SET state = 'aborted', finished_at = $1, error = 'its replica was lost' WHERE state = 'running'`,
      [now],
    );
    const [rows] = await this.transactions.reads.query<[ReconciliationRow[], number]>(
      `UPDATE reconciliations SET state = 'running', started_at = $1
       WHERE id = (SELECT id FROM reconciliations WHERE state = 'waiting' ORDER BY requested_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
       RETURNING ${RECONCILIATION_COLUMNS}`,
      [now],
    );
    return rows[0] && reconciliationOf(rows[0]);
  }

  /** Starts a round that nobody asked for. */
  async round(dryRun: boolean): Promise<Reconciliation | undefined> {
    const caller = systemCaller('reconcile-vault', this.ids.uuid());
    await this.transactions.run((tx) => this.reconciliations.insert(tx, 'scheduled', dryRun, caller));
    return this.next();
  }

  /** When the last round began that nobody asked for. */
  async lastRoundAt(): Promise<Date | undefined> {
    const [row] = await this.transactions.reads.query<{ at: Date | null }[]>(
      `SELECT max(started_at) AS at FROM reconciliations WHERE trigger = 'scheduled'`,
    );
    return row?.at ?? undefined;
  }

  /** Writes what was seen so far. Fails with {@link NoLongerRunning} when it was aborted or taken for lost. */
  async save({ id }: Reconciliation, summary: Summary, findings: readonly Finding[]): Promise<void> {
    await this.transactions.run(async (tx) => {
      const [rows] = await tx.query<[unknown[], number]>(
        `UPDATE reconciliations SET summary = $2 WHERE id = $1 AND state = 'running' RETURNING id`,
        [id, JSON.stringify(summary)],
      );
      if (rows.length === 0) throw new NoLongerRunning('the reconciliation was ended');
      if (findings.length === 0) return;
      await tx.query(
        `INSERT INTO reconciliation_findings (reconciliation, seq, kind, detail, action, credential, mount, lease_id, vault_lease, account)
         SELECT $1, (SELECT coalesce(max(seq), 0) FROM reconciliation_findings WHERE reconciliation = $1) + f.n,
           f.kind, f.detail, f.action, f.credential, f.mount, f."leaseId", f."vaultLease", f.account
         FROM (SELECT row_number() OVER () AS n, r.* FROM jsonb_to_recordset($2::jsonb) AS r(kind text, detail text,
           action text, credential text, mount text, "leaseId" uuid, "vaultLease" text, account text)) f`,
        [id, JSON.stringify(findings)],
      );
    });
  }

  /** Ends one; an event tells of it when somebody asked, when it did something, or when it found what the last did not. */
  async finish(
    run: Reconciliation,
    state: 'done' | 'failed',
    summary: Summary,
    error?: string,
  ): Promise<void> {
    const before = await this.countsBefore(run.id);
    const counts = countFields(summary);
    const news =
      run.trigger !== 'scheduled' ||
      summary.acted > 0 ||
      Object.entries(counts).some(([kind, count]) => count !== (before[kind] ?? 0));
    await this.transactions.run(async (tx) => {
      const [rows] = await tx.query<[unknown[], number]>(
        `UPDATE reconciliations SET state = $2, finished_at = $3, summary = $4, error = $5
         WHERE id = $1 AND state = 'running' RETURNING id`,
        [run.id, state, this.clock.now(), JSON.stringify(summary), error ?? null],
      );
      if (rows.length === 0 || !news) return;
      const outcome = state === 'done' ? 'success' : 'failure';
      const context = { caller: systemCaller('reconcile-vault', this.ids.uuid()), outcome } as const;
      const what = { reconciliation_id: run.id, trigger: run.trigger, dry_run: run.dryRun, state };
      await this.audit.append(tx, 'reconciliation.finished', context, {
        ...what,
        acted: summary.acted,
        ...counts,
      });
    });
    await this.prune();
  }

  private async countsBefore(id: string): Promise<Readonly<Record<string, number>>> {
    const [row] = await this.transactions.reads.query<{ counts: Record<string, number> | null }[]>(
      `SELECT summary -> 'counts' AS counts FROM reconciliations
       WHERE trigger = 'scheduled' AND state = 'done' AND id <> $1 ORDER BY id DESC LIMIT 1`,
      [id],
    );
    return row?.counts ?? {};
  }

  private async prune(): Promise<void> {
    await this.transactions.reads.query(
      `DELETE FROM reconciliations WHERE finished_at IS NOT NULL AND id IN (
         SELECT id FROM (SELECT id, trigger, row_number() OVER (PARTITION BY trigger = 'scheduled' ORDER BY id DESC) AS age
           FROM reconciliations) r WHERE age > CASE WHEN trigger = 'scheduled' THEN ${KEPT_ROUNDS} ELSE ${KEPT} END)`,
    );
  }
}
