import { stringify, type Options } from 'csv-stringify/sync';
import { columnsOf, readEvent } from '../audit/stored-event.js';
import type { ExportedEntry, ExportWriter } from './export-format.js';

const COLUMNS = [
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
  'request_id',
  'event_id',
  'data',
  'leaf_hash',
] as const;

const OPTIONS: Options = {
  // RFC 4180.
  record_delimiter: 'windows',
  // Text of workloads ends up in cells, and a spreadsheet would run a cell that begins with = + - @ as a formula.
  escape_formulas: true,
  // Quotes stand around every text that could end a cell or a record for some reader, not only for a strict one.
  quoted_match: [/[\r\n;\t]/],
};

/** A cell; undefined and null are empty. */
type Cell = string | number | null | undefined;

/** Cells as records of CSV. A cell that a spreadsheet would take for a formula gets an apostrophe in front. */
export function csvRecords(records: readonly (readonly Cell[])[]): string {
  return records.length === 0
    ? ''
    : stringify(
        records.map((cells) => [...cells]),
        OPTIONS,
      );
}

/**
 * For spreadsheets. It proves nothing: members are taken apart and cells may be changed to be harmless. The JSON Lines
 * form is the one to verify; `leaf_hash` finds the entry there.
 */
export class CsvWriter implements ExportWriter {
  begin(): string {
    return csvRecords([COLUMNS]);
  }

  entries(batch: readonly ExportedEntry[]): string {
    return csvRecords(batch.map(cellsOf));
  }

  end(): string {
    return '';
  }
}

function cellsOf(entry: ExportedEntry): Cell[] {
  const event = readEvent(entry.leaf);
  const columns = columnsOf(entry.leaf);
  const cells: Readonly<Record<(typeof COLUMNS)[number], Cell>> = {
    index: entry.index,
    time: text(event?.['time']),
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
    step_id: text(event?.['step_id']),
    lease_id: columns.leaseId,
    credential: text(event?.['credential']),
    request_id: text(event?.['request_id']),
    event_id: text(event?.['id']),
    data: event?.['data'] === undefined ? null : JSON.stringify(event['data']),
    leaf_hash: entry.leafHash.toString('hex'),
  };
  return COLUMNS.map((column) => cells[column]);
}

function member(event: Readonly<Record<string, unknown>> | undefined, outer: string, inner: string): unknown {
  const value = event?.[outer];
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[inner] : undefined;
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
