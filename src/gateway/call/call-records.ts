import { Injectable } from '@nestjs/common';
import { decodeCursor, pageOf, type Page } from '../../database/page.js';
import { Transactions } from '../../database/transaction.js';
import { BrokerError } from '../../kernel/broker-error.js';
import { isUuid } from '../../kernel/ids.js';
import type { CallOutcome } from '../admission/admission-request.js';

/** A call, as it is kept; what was said in it is kept nowhere. */
export interface CallRecord {
  readonly id: string;
  readonly runRef: string;
  readonly runId: string;
  readonly stepId: string;
  readonly grantId: string;
  readonly grantVersion: number;
  readonly issuer: string;
  readonly subject: string;
  readonly tool: string;
  readonly toolVersion: number;
  readonly state: 'open' | 'ended';
  readonly outcome: CallOutcome | null;
  readonly code: string | null;
  /** HTTP status of the provider. */
  readonly status: number | null;
  readonly startedAt: Date;
  readonly deadline: Date;
  readonly endedAt: Date | null;
  readonly requestBytes: number;
  readonly responseBytes: number | null;
  readonly reservedMicros: number;
  readonly costMicros: number | null;
  readonly units: Readonly<Record<string, number>>;
}

/** What a list of calls is narrowed by. */
export interface CallFilters {
  readonly state?: 'open' | 'ended' | undefined;
  readonly outcome?: CallOutcome | undefined;
  readonly tool?: string | undefined;
  /** Our id of the run, or the platform's. */
  readonly run?: string | undefined;
  readonly step?: string | undefined;
  /** Id or name of the grant. */
  readonly grant?: string | undefined;
}

// Bigints come as text unless they are numbers here; none of these outgrows a double.
const SELECT = `
  SELECT id, run_ref AS "runRef", run_id AS "runId", step_id AS "stepId", grant_id AS "grantId",
    grant_version AS "grantVersion", issuer, subject, tool, tool_version AS "toolVersion", state, outcome, code, status,
    started_at AS "startedAt", deadline, ended_at AS "endedAt", request_bytes::float8 AS "requestBytes",
    response_bytes::float8 AS "responseBytes", reserved_micros::float8 AS "reservedMicros",
    cost_micros::float8 AS "costMicros", units
  FROM calls`;

/** Reads calls, until they are dropped after their retention. */
@Injectable()
export class CallRecords {
  constructor(private readonly transactions: Transactions) {}

  /** One call; refuses with `not_found`. */
  async get(id: string): Promise<CallRecord> {
    const [record] = isUuid(id) ? await this.read('id = $1', [id]) : [];
    if (record === undefined) throw new BrokerError('not_found');
    return record;
  }

  /** Calls, newest first. */
  async list(
    query: CallFilters & { readonly limit: number; readonly cursor?: string | undefined },
  ): Promise<Page<CallRecord>> {
    const conditions: string[] = ['true'];
    const values: unknown[] = [];
    const where = (condition: string, value: unknown): void => {
      values.push(value);
      conditions.push(condition.replace('?', `$${values.length}`));
    };
    const { run, grant } = query;
    if (query.state !== undefined) where('state = ?', query.state);
    if (query.outcome !== undefined) where('outcome = ?', query.outcome);
    if (query.tool !== undefined) where('tool = ?', query.tool);
    if (query.step !== undefined) where('step_id = ?', query.step);
    if (run !== undefined) where(isUuid(run) ? 'run_ref = ?' : 'run_id = ?', run);
    if (grant !== undefined)
      where(isUuid(grant) ? 'grant_id = ?' : 'grant_id = (SELECT id FROM grants WHERE name = ?)', grant);
    // Ids are in order of time (UUID version 7).
    if (query.cursor !== undefined) where('id < ?', cursorId(query.cursor));
    values.push(query.limit + 1);
    const found = await this.read(
      `${conditions.join(' AND ')} ORDER BY id DESC LIMIT $${values.length}`,
      values,
    );
    return pageOf(found, query.limit, (record) => [record.id]);
  }

  private read(condition: string, values: unknown[]): Promise<CallRecord[]> {
    return this.transactions.reads.query<CallRecord[]>(`${SELECT} WHERE ${condition}`, values);
  }
}

function cursorId(cursor: string): string {
  const [id] = decodeCursor(cursor, 1);
  if (typeof id !== 'string' || !isUuid(id)) {
    throw new BrokerError('request_invalid', { field: 'cursor', detail: 'is not a cursor of this list' });
  }
  return id;
}
