import { Injectable } from '@nestjs/common';
import { decodeCursor, pageOf, type Page } from '../../database/page.js';
import { Transactions } from '../../database/transaction.js';
import { BrokerError } from '../../kernel/broker-error.js';
import { isUuid } from '../../kernel/ids.js';
import type { Evidence } from './egress-record.js';

/** What went around to one host, from one place, on one day; over all batches. */
export interface EgressFinding {
  readonly id: string;
  readonly day: string;
  readonly host: string;
  readonly tools: readonly string[];
  readonly evidence: Evidence;
  readonly allowed: boolean;
  readonly source: string | null;
  readonly workload: string | null;
  readonly pod: string | null;
  readonly count: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
}

/** Which findings, and which page of them. */
export interface EgressFindingFilter {
  readonly host?: string;
  readonly workload?: string;
  readonly limit: number;
  readonly cursor?: string;
}

interface FindingRow {
  id: string;
  day: string;
  host: string;
  tools: string[];
  evidence: Evidence;
  allowed: boolean;
  source: string | null;
  workload: string | null;
  pod: string | null;
  count: string;
  first_at: Date;
  last_at: Date;
}

/** What has been found in logs of what leaves the network. */
@Injectable()
export class EgressFindings {
  constructor(private readonly transactions: Transactions) {}

  /** In the order in which they were first found, newest first. */
  async list(filter: EgressFindingFilter): Promise<Page<EgressFinding>> {
    const before = filter.cursor === undefined ? null : decodeCursor(filter.cursor, 1)[0];
    if (before !== null && (typeof before !== 'string' || !isUuid(before)))
      throw new BrokerError('request_invalid', { field: 'cursor', detail: 'is not a cursor of this list' });
    const rows = await this.transactions.reads.query<FindingRow[]>(
      `SELECT id, day::text AS day, host, tools, evidence, allowed, nullif(source, '') AS source,
         nullif(workload, '') AS workload, nullif(pod, '') AS pod, count, first_at, last_at
       FROM shadow_egress
       WHERE ($1::uuid IS NULL OR id < $1) AND ($2::text IS NULL OR host = $2) AND ($3::text IS NULL OR workload = $3)
       ORDER BY id DESC LIMIT $4`,
      [before, filter.host ?? null, filter.workload ?? null, filter.limit + 1],
    );
    const page = pageOf(rows, filter.limit, ({ id }) => [id]);
    return {
      ...page,
      items: page.items.map(({ first_at: firstAt, last_at: lastAt, count, ...row }) => ({
        ...row,
        count: Number(count),
        firstAt,
        lastAt,
      })),
    };
  }
}
