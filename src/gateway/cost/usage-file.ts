import { BrokerError } from '../../kernel/broker-error.js';
import { csvRows } from './csv-rows.js';
import { MOST_USAGE_ROWS, usageRowSchema, type UsageRow } from './provider-usage.js';

const UNIT_COLUMN = /^units?[.:](.+)$/;

/**
 * Reads an export of a provider's usage: JSON Lines with the members of {@link usageRowSchema}, or CSV with these as
 * columns and one `units.NAME` for each unit; `project` is taken for `key`. `source` says whose it is where the rows do
 * not. Refuses the first fault with `request_invalid`, naming line and field; nothing is repeated of what it holds.
 */
export function readUsage(text: string, format: 'jsonl' | 'csv', source: string | undefined): UsageRow[] {
  const records = format === 'csv' ? csvRecords(text) : jsonRecords(text);
  const rows = records.map(({ line, record }) => rowOf(line, record, source));
  if (rows.length === 0) throw refused(1, '', 'there is no row');
  const seen = new Set<string>();
  rows.forEach((row, index) => {
    const key = JSON.stringify([row.source, row.day, row.key]);
    if (seen.has(key))
      throw refused(records[index]?.line ?? 0, '/key', 'day, key and source are there twice');
    seen.add(key);
  });
  return rows;
}

interface Numbered {
  readonly line: number;
  readonly record: Readonly<Record<string, unknown>>;
}

function rowOf(
  line: number,
  record: Readonly<Record<string, unknown>>,
  source: string | undefined,
): UsageRow {
  const { project, ...named } = record;
  const completed = {
    ...(source !== undefined && { source }),
    ...(project !== undefined && { key: project }),
    ...named,
  };
  const parsed = usageRowSchema.safeParse(completed);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = issue?.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue?.path;
  throw refused(line, `/${(path ?? []).map(String).join('/')}`, issue?.message ?? 'is not valid');
}

function jsonRecords(text: string): Numbered[] {
  const lines = text.split('\n').map((content, index) => ({ content: content.trim(), line: index + 1 }));
  const filled = lines.filter(({ content }) => content !== '');
  refuseTooMany(filled.length);
  return filled.map(({ content, line }) => ({ line, record: objectOf(content, line) }));
}

function objectOf(text: string, line: number): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refused(line, '', 'is not JSON');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Readonly<Record<string, unknown>>;
  throw refused(line, '', 'is not an object');
}

function csvRecords(text: string): Numbered[] {
  const [header, ...rows] = csvRows(text);
  if (header === undefined) return [];
  refuseTooMany(rows.length);
  return rows.map(({ line, cells }) => {
    if (cells.length !== header.cells.length)
      throw refused(line, '', 'has another number of cells than the header');
    return { line, record: recordOf(header.cells, cells, line) };
  });
}

function recordOf(
  header: readonly string[],
  cells: readonly string[],
  line: number,
): Readonly<Record<string, unknown>> {
  const record: Record<string, unknown> = {};
  const units: Record<string, number> = {};
  header.forEach((column, index) => {
    const cell = cells[index] ?? '';
    if (cell === '') return;
    const unit = UNIT_COLUMN.exec(column)?.[1];
    if (unit !== undefined) units[unit] = numberOf(cell, line, column);
    else record[column] = column === 'amount_micros' ? numberOf(cell, line, column) : cell;
  });
  return { ...record, units };
}

function numberOf(cell: string, line: number, column: string): number {
  if (/^\d{1,16}(?:\.\d{1,12})?$/.test(cell)) return Number(cell);
  throw refused(line, `/${column}`, 'is not a number');
}

function refuseTooMany(rows: number): void {
  if (rows > MOST_USAGE_ROWS)
    throw new BrokerError('request_invalid', {
      detail: `has more than ${MOST_USAGE_ROWS} rows; send it in parts`,
    });
}

function refused(line: number, field: string, reason: string): BrokerError {
  return new BrokerError('request_invalid', {
    field: `line ${line}${field}`,
    detail: `line ${line}: ${reason}`,
  });
}
