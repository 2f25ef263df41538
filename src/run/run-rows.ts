import { BrokerError } from '../kernel/broker-error.js';
import { isUuid } from '../kernel/ids.js';
import { pageOf, type Page } from '../database/page.js';
import type { Tx } from '../database/transaction.js';
import { cursorId } from '../grant/grant-reads.js';
import type { Run, RunState } from './run.js';

/** Which runs, and which page of them. */
export interface RunFilter {
  readonly state?: RunState;
  /** Id or name of the grant. */
  readonly grant?: string;
  /** The platform's id. */
  readonly runId?: string;
  readonly subject?: string;
  /** 1 to 500. */
  readonly limit: number;
  readonly cursor?: string;
}

interface RunRow {
  id: string;
  run_id: string;
  grant_id: string;
  grant_name: string;
  grant_version: number;
  issuer: string;
  subject: string;
  claims: Record<string, unknown>;
  state: RunState;
  opened_at: Date;
  deadline: Date;
  ended_at: Date | null;
  end_cause: string | null;
}

const SELECT = 'SELECT r.*, g.name AS grant_name FROM runs r JOIN grants g ON g.id = r.grant_id';

/** The runs that the rest of a statement selects, over `r` (runs) and `g` (grants). */
export async function selectRuns(tx: Tx, rest: string, values: unknown[]): Promise<Run[]> {
  return (await tx.query<RunRow[]>(`${SELECT} ${rest}`, values)).map(toRun);
}

/** A run; `not_found` if there is none, or if the text is no id. */
export async function readRun(tx: Tx, id: string): Promise<Run> {
  return theRun(tx, id, '');
}

/** As {@link readRun}, and keeps it from changing until the transaction ends. */
export async function lockRun(tx: Tx, id: string): Promise<Run> {
  return theRun(tx, id, 'FOR UPDATE OF r');
}

/** Runs, newest first. */
export async function listRuns(tx: Tx, filter: RunFilter): Promise<Page<Run>> {
  const { limit } = filter;
  if (!Number.isInteger(limit) || limit < 1 || limit > 500)
    throw new BrokerError('request_invalid', { field: 'limit', detail: 'is not a number from 1 to 500' });
  const rows = await selectRuns(
    tx,
    `WHERE ($1::text IS NULL OR r.state = $1) AND ($2::text IS NULL OR g.id::text = $2 OR g.name = $2)
       AND ($3::text IS NULL OR r.run_id = $3) AND ($4::text IS NULL OR r.subject = $4)
       AND ($5::uuid IS NULL OR r.id < $5)
     ORDER BY r.id DESC LIMIT $6`,
    [
      filter.state ?? null,
      filter.grant ?? null,
      filter.runId ?? null,
      filter.subject ?? null,
      cursorId(filter.cursor),
      limit + 1,
    ],
  );
  return pageOf(rows, limit, (run) => [run.id]);
}

/**
 * Adds an open run unless the workload has one of this name, or the grant has as many open ones as it may; answers
 * whether it did. Exact only while the caller holds the grant's row.
 */
export async function insertRun(
  tx: Tx,
  run: Omit<Run, 'state' | 'endedAt' | 'endCause' | 'grantName'>,
  openRuns: number | undefined,
): Promise<boolean> {
  const rows = await tx.query<unknown[]>(
    `INSERT INTO runs (id, run_id, grant_id, grant_version, issuer, subject, claims, state, opened_at, deadline)
     SELECT $1, $2, $3, $4, $5, $6, $7, 'open', $8, $9
     WHERE $10::integer IS NULL
       OR (SELECT count(*) FROM runs WHERE grant_id = $3 AND state = 'open') < $10
     ON CONFLICT (grant_id, issuer, subject, run_id) DO NOTHING RETURNING id`,
    [
      run.id,
      run.runId,
      run.grantId,
      run.grantVersion,
      run.issuer,
      run.subject,
      JSON.stringify(run.claims),
      run.openedAt,
      run.deadline,
      openRuns ?? null,
    ],
  );
  return rows.length > 0;
}

/** Writes that a run ended; the caller holds its row and has checked that it is open. */
export async function endRun(tx: Tx, run: Pick<Run, 'id' | 'state' | 'endCause'>, now: Date): Promise<void> {
  await tx.query('UPDATE runs SET state = $2, end_cause = $3, ended_at = $4 WHERE id = $1', [
    run.id,
    run.state,
    run.endCause,
    now,
  ]);
}

async function theRun(tx: Tx, id: string, lock: '' | 'FOR UPDATE OF r'): Promise<Run> {
  const [run] = isUuid(id) ? await selectRuns(tx, `WHERE r.id = $1 ${lock}`, [id]) : [];
  if (run === undefined) throw new BrokerError('not_found', { detail: 'no run of this id' });
  return run;
}

function toRun(row: RunRow): Run {
  return {
    id: row.id,
    runId: row.run_id,
    grantId: row.grant_id,
    grantName: row.grant_name,
    grantVersion: row.grant_version,
    issuer: row.issuer,
    subject: row.subject,
    claims: row.claims,
    state: row.state,
    openedAt: row.opened_at,
    deadline: row.deadline,
    endedAt: row.ended_at,
    endCause: row.end_cause,
  };
}
