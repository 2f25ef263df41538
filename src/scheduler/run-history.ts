import { Injectable } from '@nestjs/common';

/** What this replica remembers of its own runs of one job, since it started. */
export interface LocalHistory {
  readonly runs: number;
  readonly failures: number;
  /** Sum of what the runs worked on. */
  readonly worked: number;
  readonly lastStartedAt: Date;
  readonly lastDurationMs: number | null;
  readonly lastError: string | null;
}

/** How one run went. */
export interface RunOutcome {
  readonly startedAt: Date;
  readonly durationMs: number;
  readonly worked: number;
  /** Safe text; undefined when it went well. */
  readonly error: string | undefined;
}

/** The runs of this replica, for metrics. Exclusive jobs also have a row in the database that all replicas share. */
@Injectable()
export class RunHistory {
  readonly #jobs = new Map<string, LocalHistory>();

  add(name: string, outcome: RunOutcome): void {
    const before = this.#jobs.get(name);
    this.#jobs.set(name, {
      runs: (before?.runs ?? 0) + 1,
      failures: (before?.failures ?? 0) + (outcome.error === undefined ? 0 : 1),
      worked: (before?.worked ?? 0) + outcome.worked,
      lastStartedAt: outcome.startedAt,
      lastDurationMs: outcome.durationMs,
      lastError: outcome.error ?? null,
    });
  }

  of(name: string): LocalHistory | undefined {
    return this.#jobs.get(name);
  }
}
