import { BrokerError } from '../../kernel/broker-error.js';

/** One record of CSV, and the line that it begins on. */
export interface CsvRow {
  readonly line: number;
  readonly cells: readonly string[];
}

/** A cell: quoted, with quotes in it doubled, or plain; then what ends it. */
const CELL = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|\r|$)/y;

/**
 * The records of CSV (RFC 4180); empty lines are left out, a byte order mark is passed over. Refuses a quote that is
 * out of place with `request_invalid` and its line.
 */
export function csvRows(text: string): CsvRow[] {
  const rows: CsvRow[] = [];
  const end = text.length;
  let at = text.startsWith('\uFEFF') ? 1 : 0;
  let line = 1;
  let row: { line: number; cells: string[] } = { line, cells: [] };
  while (at < end) {
    CELL.lastIndex = at;
    const match = CELL.exec(text);
    if (match === null)
      throw new BrokerError('request_invalid', {
        field: `line ${line}`,
        detail: `line ${line}: a quote is out of place`,
      });
    const [whole, quoted, plain = '', terminator] = match;
    row.cells.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    line += whole.split(/\r\n|\n|\r/).length - 1;
    at += whole.length;
    if (terminator === ',' && at < end) continue;
    if (terminator === ',') row.cells.push('');
    if (row.cells.length > 1 || row.cells[0] !== '') rows.push(row);
    row = { line, cells: [] };
  }
  return rows;
}
