import { actorName, readEvent, searchText, uuidOf, versionOf } from '../audit/stored-event.js';
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
  const actor = objectOf(event['actor']);
  const workload = objectOf(event['workload']);
  const grant = objectOf(event['grant']);
  const run = objectOf(event['run']);
  return {
    index: entry.index,
    time: text(event['time']),
    kind: searchText(event['kind']) ?? 'unreadable',
    outcome: searchText(event['outcome']) ?? 'unreadable',
    code: searchText(event['code']),
    actor_type: text(actor?.['type']),
    actor_issuer: text(actor?.['issuer']),
    actor: text(actor?.['subject']) ?? searchText(actorName(actor)),
    workload_issuer: text(workload?.['issuer']),
    workload: text(workload?.['subject']),
    grant: text(grant?.['name']),
    grant_id: uuidOf(grant?.['id']),
    grant_version: versionOf(grant?.['version']),
    run_id: text(run?.['run_id']),
    run_ref: uuidOf(run?.['ref']),
    step_id: text(event['step_id']),
    lease_id: uuidOf(event['lease_id']),
    credential: text(event['credential']),
    tool: text(objectOf(event['tool'])?.['name']),
    request_id: text(event['request_id']),
    event_id: text(event['id']),
    data: event['data'] === undefined ? null : JSON.stringify(event['data']),
    leaf_hash: entry.leafHash.toString('hex'),
  };
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
