import { Injectable } from '@nestjs/common';
import { Transactions } from '../../database/transaction.js';
import { Clock } from '../../kernel/clock.js';
import { Settings } from '../../settings/schema.js';

/** How a scheduled export stands. */
export interface ScheduleState {
  readonly name: string;
  /** Whether the settings of this replica have it. */
  readonly configured: boolean;
  /** Undefined when the settings do not have it. */
  readonly format: string | undefined;
  readonly everyMs: number | undefined;
  /** The first entry of the log that it has not written. */
  readonly nextIndex: number;
  readonly nextAt: Date;
  /** How late it is; 0 when it is not due. */
  readonly overdueSeconds: number;
  /** Failures in a row. */
  readonly attempts: number;
  readonly lastError: string | null;
  readonly failingSince: Date | null;
  readonly last: LastSpan | undefined;
}

/** What a scheduled export wrote last. */
export interface LastSpan {
  readonly at: Date;
  readonly fromIndex: number;
  readonly toIndex: number;
  readonly count: number;
  readonly folder: string;
}

interface Row {
  readonly name: string;
  readonly next_index: string;
  readonly next_at: Date;
  readonly attempts: number;
  readonly last_error: string | null;
  readonly failing_since: Date | null;
  readonly last_at: Date | null;
  readonly last_from: string | null;
  readonly last_to: string | null;
  readonly last_count: string | null;
  readonly last_folder: string | null;
}

/** How scheduled exports stand, for the API and the metrics. */
@Injectable()
export class ScheduleStates {
  constructor(
    private readonly settings: Settings,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /** All that ever were, by name. */
  async all(): Promise<ScheduleState[]> {
    const rows = await this.transactions.reads.query<Row[]>(
      `SELECT name, next_index, next_at, attempts, last_error, failing_since, last_at, last_from, last_to, last_count,
         last_folder FROM scheduled_exports ORDER BY name`,
    );
    return rows.map((row) => this.stateOf(row));
  }

  private stateOf(row: Row): ScheduleState {
    const found = this.settings.values.exports.find(({ name }) => name === row.name);
    // Since when nothing could be written, however often it is tried.
    const dueAt = row.failing_since ?? row.next_at;
    return {
      name: row.name,
      configured: found !== undefined,
      format: found?.format,
      everyMs: found?.every,
      nextIndex: Number(row.next_index),
      nextAt: row.next_at,
      overdueSeconds: Math.max(0, (this.clock.now().getTime() - dueAt.getTime()) / 1_000),
      attempts: row.attempts,
      lastError: row.last_error,
      failingSince: row.failing_since,
      last:
        row.last_at === null
          ? undefined
          : {
              at: row.last_at,
              fromIndex: Number(row.last_from),
              toIndex: Number(row.last_to),
              count: Number(row.last_count),
              folder: row.last_folder ?? '',
            },
    };
  }
}
