import type { CopiedRow } from './copied-rows.js';
import type { WrittenEntries } from './export-format.js';

/** Entries of one row of a copy: their lines fit into what a socket is read by. */
const ROW_ENTRIES = 64;

/**
 * The query for the lines of entries `[from, end)` as `entryLines` would write them, {@link ROW_ENTRIES} to a row: the first
 * index that the row is for, the number of its entries, and their lines.
 */
export function linesBetween(from: number, end: number): string {
  return `SELECT first, count, lines FROM generate_series(${BigInt(from)}::bigint, ${BigInt(end - 1)}::bigint, ${ROW_ENTRIES}) AS first,
    LATERAL (SELECT count(*) AS count, string_agg('{"index":' || idx || ',"leaf":' ||
        to_json(convert_from(leaf, 'UTF8'))::text || ',"leaf_hash":"' ||
        encode(sha256('\\x00'::bytea || leaf), 'hex') || E'"}\\n', '') AS lines
      FROM (SELECT idx, leaf FROM audit_entry
        WHERE idx >= first AND idx < least(first + ${ROW_ENTRIES}, ${BigInt(end)}) ORDER BY idx) AS entries) AS written`;
}

/** What the query answered, or undefined where an entry is missing. */
export function writtenBetween(
  rows: readonly CopiedRow[],
  from: number,
  end: number,
): readonly WrittenEntries[] | undefined {
  const written: WrittenEntries[] = [];
  let next = from;
  for (const [first, count, text] of rows) {
    const entries = Math.min(ROW_ENTRIES, end - next);
    if (Number(first?.readBigInt64BE()) !== next || Number(count?.readBigInt64BE()) !== entries)
      return undefined;
    if (text === undefined || text === null) return undefined;
    written.push({ count: entries, text });
    next += entries;
  }
  return next === end ? written : undefined;
}
