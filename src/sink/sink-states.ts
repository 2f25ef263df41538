import { Injectable } from '@nestjs/common';
import { Clock } from '../kernel/clock.js';
import { SinkDatabase } from './sink-database.js';
import { SinkTargets } from './sink-targets.js';

/** How a sink stands. */
export interface SinkState {
  readonly name: string;
  readonly kind: string;
  /** Whether the settings of this replica have it. */
  readonly configured: boolean;
  readonly kinds: readonly string[] | undefined;
  /** The first entry of the log that it was not sent. */
  readonly nextIndex: number;
  readonly lagEvents: number;
  /** Age of the first entry that it was not sent; 0 when there is none. */
  readonly lagSeconds: number;
  readonly delivered: number;
  /** Failures in a row. */
  readonly attempts: number;
  readonly nextAttemptAt: Date | null;
  readonly lastError: string | null;
  readonly lastDeliveredAt: Date | null;
  readonly laggingSince: Date | null;
  /** Letters that are not delivered. */
  readonly deadLetters: number;
}

interface Row {
  name: string;
  kind: string;
  next_index: string;
  size: string;
  waits_since: Date | null;
  delivered: string;
  attempts: number;
  next_attempt_at: Date | null;
  last_error: string | null;
  last_delivered_at: Date | null;
  lagging_since: Date | null;
  dead_letters: string;
}

/** How the sinks stand, for the API, the metrics and the watch. */
@Injectable()
export class SinkStates {
  constructor(
    private readonly database: SinkDatabase,
    private readonly targets: SinkTargets,
    private readonly clock: Clock,
  ) {}

  /** All that ever were, by name. */
  async all(): Promise<SinkState[]> {
    const rows = await this.database.query<Row>(
      `SELECT s.name, s.kind, s.next_index, h.size, s.delivered, s.attempts, s.next_attempt_at, s.last_error,
         s.last_delivered_at, s.lagging_since,
         (SELECT e.occurred_at FROM audit_entry e WHERE e.idx >= s.next_index ORDER BY e.idx LIMIT 1) AS waits_since,
         (SELECT count(*) FROM sink_dead_letters d WHERE d.sink = s.name AND d.state <> 'delivered') AS dead_letters
       FROM sinks s CROSS JOIN audit_head h ORDER BY s.name`,
    );
    return rows.map((row) => this.stateOf(row));
  }

  private stateOf(row: Row): SinkState {
    const target = this.targets.find(row.name);
    const waitedMs = row.waits_since === null ? 0 : this.clock.now().getTime() - row.waits_since.getTime();
    return {
      name: row.name,
      kind: row.kind,
      configured: target !== undefined,
      kinds: target?.kinds,
      nextIndex: Number(row.next_index),
      lagEvents: Math.max(0, Number(row.size) - Number(row.next_index)),
      lagSeconds: Math.max(0, waitedMs / 1_000),
      delivered: Number(row.delivered),
      attempts: row.attempts,
      nextAttemptAt: row.next_attempt_at,
      lastError: row.last_error,
      lastDeliveredAt: row.last_delivered_at,
      laggingSince: row.lagging_since,
      deadLetters: Number(row.dead_letters),
    };
  }
}
