import { Injectable } from '@nestjs/common';
import { Transactions } from '../database/transaction.js';
import { BrokerError } from '../kernel/broker-error.js';
import { Clock } from '../kernel/clock.js';
import { AuditInbox } from './audit-inbox.js';
import { conditionOf, type AuditFilters } from './audit-filters.js';

/** A number of entries; not `exact` when counting ended early. */
export interface AuditCount {
  readonly count: number;
  readonly exact: boolean;
}

/** Entries of one step of time, and of one kind or outcome where that was asked. */
export interface HistogramStep {
  /** When the step begins. */
  readonly at: Date;
  readonly value?: string;
  readonly count: number;
}

/** Entries over time; steps without any are left out. */
export interface Histogram {
  readonly from: Date;
  readonly to: Date;
  readonly intervalSeconds: number;
  readonly steps: readonly HistogramStep[];
}

/** How entries are gathered over time. */
export interface HistogramRequest {
  /** Length of a step; one that gives about {@link USUAL_STEPS} unless told. */
  readonly intervalSeconds?: number | undefined;
  readonly by?: 'kind' | 'outcome' | undefined;
}

const DAY_MS = 86_400_000;
const USUAL_STEPS = 60;
const MOST_STEPS = 1_000;
/** Of them, and of the kinds or outcomes in them. */
const MOST_ROWS = 20_000;
const USUAL_LENGTHS = [1, 5, 15, 30, 60, 300, 900, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 604_800];

/** Counts entries of the log. */
@Injectable()
export class AuditTally {
  constructor(
    private readonly transactions: Transactions,
    private readonly inbox: AuditInbox,
    private readonly clock: Clock,
  ) {}

  /** How many entries all filters hold for; looks at no more than `atMost` of them. */
  async count(filters: AuditFilters, atMost: number): Promise<AuditCount> {
    const { sql, parameters } = conditionOf(filters, (value) => this.inbox.hmac(value));
    const [row] = await this.transactions.reads.query<{ count: string }[]>(
      `SELECT count(*) AS count FROM (SELECT 1 FROM audit_entry WHERE ${sql} LIMIT $${parameters.length + 1}) found`,
      [...parameters, atMost + 1],
    );
    const count = Number(row?.count ?? 0);
    return { count: Math.min(count, atMost), exact: count <= atMost };
  }

  /**
   * Entries over time: of the last day unless the filters name a span. Steps begin at whole multiples of their length in
   * UTC, weeks on Mondays. Refuses with `request_invalid` what would have more than a thousand steps.
   */
  async histogram(filters: AuditFilters, { intervalSeconds, by }: HistogramRequest): Promise<Histogram> {
    const to = filters.to ?? this.clock.now();
    const from = filters.from ?? new Date(to.getTime() - DAY_MS);
    const spanSeconds = (to.getTime() - from.getTime()) / 1_000;
    if (spanSeconds <= 0)
      throw new BrokerError('request_invalid', { field: 'to', detail: 'is not after from' });
    const length = intervalSeconds ?? usualLength(spanSeconds);
    if (spanSeconds / length > MOST_STEPS) {
      throw new BrokerError('request_invalid', {
        field: 'interval',
        detail: `is too short for the span: more than ${MOST_STEPS} steps`,
      });
    }
    const condition = conditionOf({ ...filters, from, to }, (value) => this.inbox.hmac(value));
    const interval = `$${condition.parameters.length + 1}::double precision * interval '1 second'`;
    const rows = await this.transactions.reads.query<{ at: Date; value: string | null; count: string }[]>(
      `SELECT date_bin(${interval}, occurred_at, timestamptz '2001-01-01 00:00:00Z') AS at,
         ${by ?? 'NULL::text'} AS value, count(*) AS count
       FROM audit_entry WHERE ${condition.sql} GROUP BY 1, 2 ORDER BY 1, 2 LIMIT ${MOST_ROWS}`,
      [...condition.parameters, length],
    );
    const steps = rows.map(({ at, value, count }) => ({
      at,
      ...(value !== null && { value }),
      count: Number(count),
    }));
    return { from, to, intervalSeconds: length, steps };
  }
}

function usualLength(spanSeconds: number): number {
  const wanted = spanSeconds / USUAL_STEPS;
  return USUAL_LENGTHS.find((length) => length >= wanted) ?? Math.ceil(wanted / 604_800) * 604_800;
}
