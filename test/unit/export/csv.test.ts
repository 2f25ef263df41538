import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CsvWriter, csvRecords } from '../../../src/export/csv.js';
import { logOf } from './sample-log.js';

fc.configureGlobal({ seed: 20_261_103 });

/** Reads CSV as RFC 4180 has it. */
function parse(text: string): string[][] {
  const records: string[][] = [];
  let cells: string[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/gy;
  while (cell.lastIndex < text.length) {
    const match = cell.exec(text);
    if (match === null) throw new Error(`not CSV at ${cell.lastIndex}`);
    cells.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] !== ',') {
      records.push(cells);
      cells = [];
    }
  }
  return records;
}

const DANGEROUS = /^[=+\-@\t\r]/;

describe('CSV', () => {
  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '=HYPERLINK("http://x","y")', '＝1+1'])(
    'a cell of %j is not a formula',
    (text) => {
      expect(parse(csvRecords([[text, 'next']]))).toEqual([[`'${text}`, 'next']]);
    },
  );

  it('numbers stay numbers, and nothing stays nothing', () => {
    expect(csvRecords([[12, 0, null, undefined, '']])).toBe('12,0,,,\r\n');
  });

  it('whatever the cells are, they come back as they were or with an apostrophe, and none is a formula', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.string({
        unit: fc.constantFrom('=', '+', '-', '@', '\t', '\r', '\n', '"', ',', ';', "'", 'a'),
        maxLength: 8,
      }),
    );
    // A record of a single empty cell is an empty line, which is no record.
    const records = fc.array(fc.array(text, { minLength: 2, maxLength: 5 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(records, (written) => {
        const read = parse(csvRecords(written));
        expect(read.map((cells) => cells.length)).toEqual(written.map((cells) => cells.length));
        read.flat().forEach((cell, at) => {
          const before = written.flat()[at]!;
          expect(cell).not.toMatch(DANGEROUS);
          expect([before, `'${before}`]).toContain(cell);
          if (!DANGEROUS.test(before) && !/^[＝＋－＠]/.test(before)) expect(cell).toBe(before);
        });
      }),
      { numRuns: 200 },
    );
  });

  it('a hostile run id or subject is harmless in an export', () => {
    const writer = new CsvWriter();
    const hostile = '=cmd|"/C calc"!A0\n,x';
    const entries = logOf([
      {
        kind: 'run.opened',
        run: { run_id: hostile },
        workload: { issuer: 'i', subject: hostile },
        data: { deadline: 'x' },
      },
      'not an event',
    ]);
    const [names, first, second] = parse(writer.begin() + writer.entries(entries) + writer.end());
    const cell = (record: string[] | undefined, name: string): string | undefined =>
      record?.[names!.indexOf(name)];
    expect(cell(first, 'run_id')).toBe(`'${hostile}`);
    expect(cell(first, 'workload')).toBe(`'${hostile}`);
    expect(cell(first, 'data')).toBe('{"deadline":"x"}');
    expect(cell(first, 'leaf_hash')).toBe(entries[0]?.leafHash.toString('hex'));
    expect(cell(second, 'kind')).toBe('unreadable');
    expect(new CsvWriter().entries([])).toBe('');
  });
});
