import { stringify, type Options } from 'csv-stringify/sync';
import type { ExportedEntry, ExportWriter } from './export-format.js';
import { ROW_COLUMNS, rowOf } from './export-row.js';

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
    return csvRecords([ROW_COLUMNS]);
  }

  entries(batch: readonly ExportedEntry[]): string {
    return csvRecords(
      batch.map((entry) => {
        const row = rowOf(entry);
        return ROW_COLUMNS.map((column) => row[column]);
      }),
    );
  }

  end(): string {
    return '';
  }
}
