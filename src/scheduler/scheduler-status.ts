import { Injectable } from '@nestjs/common';
import { Transactions } from '../database/transaction.js';
import { RegisteredJobs } from './registered-jobs.js';
import { RunHistory, type LocalHistory } from './run-history.js';

/** One exclusive job as all replicas see it. Times and ages are by the database's clock. */
export interface SharedJobStatus {
  readonly name: string;
  readonly nextRunAt: Date;
  /** How long it has been due without being held by a live claim; 0 when it is not. */
  readonly overdueSeconds: number;
  readonly claimedBy: string | null;
  readonly claimedUntil: Date | null;
  readonly lastStartedAt: Date | null;
  readonly lastFinishedAt: Date | null;
  /** Safe text of the last run's failure; null when it went well. */
  readonly lastError: string | null;
  readonly runs: number;
  readonly failures: number;
}

interface Row {
  name: string;
  next_run_at: Date;
  overdue_seconds: number;
  claimed_by: string | null;
  claimed_until: Date | null;
  last_started_at: Date | null;
  last_finished_at: Date | null;
  last_error: string | null;
  runs: string;
  failures: string;
}

/** How the jobs are doing, for metrics and `doctor`. */
@Injectable()
export class SchedulerStatus {
  constructor(
    private readonly transactions: Transactions,
    private readonly jobs: RegisteredJobs,
    private readonly history: RunHistory,
  ) {}

  /** Every exclusive job that any replica ever registered, by name. Throws when the database does not answer. */
  async shared(): Promise<readonly SharedJobStatus[]> {
    const rows = await this.transactions.reads.query<Row[]>(
      `SELECT name, next_run_at, claimed_by, claimed_until, last_started_at, last_finished_at, last_error, runs, failures,
         CASE WHEN claimed_until >= clock_timestamp() THEN 0
              ELSE greatest(0, extract(epoch FROM clock_timestamp() - greatest(next_run_at, claimed_until)))
         END::float8 AS overdue_seconds
       FROM scheduled_jobs ORDER BY name`,
    );
    return rows.map((row) => ({
      name: row.name,
      nextRunAt: row.next_run_at,
      overdueSeconds: row.overdue_seconds,
      claimedBy: row.claimed_by,
      claimedUntil: row.claimed_until,
      lastStartedAt: row.last_started_at,
      lastFinishedAt: row.last_finished_at,
      lastError: row.last_error,
      runs: Number(row.runs),
      failures: Number(row.failures),
    }));
  }

  /** This replica's own runs, of every registered job that ran here. */
  local(): ReadonlyMap<string, LocalHistory> {
    const found = new Map<string, LocalHistory>();
    for (const { name } of this.jobs.all()) {
      const history = this.history.of(name);
      if (history !== undefined) found.set(name, history);
    }
    return found;
  }
}
