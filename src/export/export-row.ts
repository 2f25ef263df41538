import { columnsOfEvent, readEvent } from '../audit/stored-event.js';
import type { ExportedEntry } from './export-format.js';

/** The columns of tables, in their order. */
export const ROW_COLUMNS = [
  'index',
  'time',
  'kind',
  'outcome',
  'code',
  'actor_type',
  'actor_issuer',
  'actor',
  'workload_issuer',
  'workload',
  'grant',
  'grant_id',
  'grant_version',
  'run_id',
  'run_ref',
  'step_id',
  'lease_id',
  'credential',
  'tool',
  'request_id',
  'event_id',
  'data',
  'leaf_hash',
] as const;
export type RowColumn = (typeof ROW_COLUMNS)[number];

/** An event taken apart, for tables. `data` is JSON, `leaf_hash` hex. */
export type ExportRow = Readonly<Record<Exclude<RowColumn, 'index' | 'grant_version'>, string | null>> & {
  readonly index: number;
  readonly grant_version: number | null;
};

/** The row of an entry. Never throws: what cannot be read is null. */
export function rowOf(entry: ExportedEntry): ExportRow {
  const event = readEvent(entry.leaf) ?? {};
  const columns = columnsOfEvent(event);
  return {
    index: entry.index,
    time: text(event['time']),
    kind: columns.kind,
    outcome: columns.outcome,
    code: columns.code,
    actor_type: text(member(event, 'actor', 'type')),
    actor_issuer: text(member(event, 'actor', 'issuer')),
    actor: text(member(event, 'actor', 'subject')) ?? columns.actorSubject,
    workload_issuer: text(member(event, 'workload', 'issuer')),
    workload: text(member(event, 'workload', 'subject')),
    grant: text(member(event, 'grant', 'name')),
    grant_id: columns.grantId,
    grant_version: columns.grantVersion,
    run_id: text(member(event, 'run', 'run_id')),
    run_ref: columns.runRef,
    step_id: text(event['step_id']),
    lease_id: columns.leaseId,
    credential: text(event['credential']),
    tool: text(member(event, 'tool', 'name')),
    request_id: text(event['request_id']),
    event_id: text(event['id']),
    data: event['data'] === undefined ? null : JSON.stringify(event['data']),
    leaf_hash: entry.leafHash.toString('hex'),
  };
}

function member(event: Readonly<Record<string, unknown>>, outer: string, inner: string): unknown {
  const value = event[outer];
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[inner] : undefined;
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
