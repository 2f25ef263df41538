import { stringify } from 'csv-stringify/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvRows } from '../../../../src/gateway/cost/csv-rows.js';
import { isWithin } from '../../../../src/gateway/cost/tolerance.js';
import { readUsage } from '../../../../src/gateway/cost/usage-file.js';
import { dayRange } from '../../../../src/gateway/cost/utc-day.js';

describe('usage is refused', () => {
  it.each([
    ['csv', 'day,key,amount_micros\n2026-01-01,"a"b,1', 'line 2'],
    ['csv', 'day,key,amount_micros\n\n2026-01-01,a,1e3', 'line 3/amount_micros'],
    ['csv', 'day,key,amount_micros\n2026-01-01,a,1,2', 'line 2'],
    ['csv', 'day,key,amount_micros,units.input\n2026-01-01,a,1,many', 'line 2/units.input'],
    ['csv', 'day,key,amount_micros\n2026-02-30,a,1', 'line 2/day'],
    ['csv', 'day,key,amount_micros,constructor\n2026-01-01,a,1,x', 'line 2/constructor'],
    ['jsonl', '{"day":"2026-01-01","key":"a","amount_micros":1}\nnull', 'line 2'],
    ['jsonl', '{"day":"2026-01-01","key":"a","amount_micros":1.5}', 'line 1/amount_micros'],
    ['jsonl', '{"day":"2026-01-01","key":"a\\n","amount_micros":1}', 'line 1/key'],
    ['jsonl', '{"day":"2026-01-01","key":"a","amount_micros":1,"units":{"in put":1}}', 'line 1/units/in put'],
    ['jsonl', '', 'line 1'],
  ] as const)('%s: %j at %s', (format, text, field) => {
    expect(() => readUsage(text, format, 'openai')).toThrow(
      expect.objectContaining({ code: 'request_invalid', field }) as Error,
    );
  });

  it('when it is too long', () => {
    const row = '2026-01-01,a,1\n';
    expect(() => readUsage(`day,key,amount_micros\n${row.repeat(5_001)}`, 'csv', 'openai')).toThrow(
      expect.objectContaining({ code: 'request_invalid' }) as Error,
    );
  });
});

describe('usage', () => {
  it('is the same in both formats', () => {
    const expected = [
      { source: 'openai', day: '2026-01-01', key: 'a, "b"', units: { input: 1.5 }, amount_micros: 7 },
      { source: 'other', day: '2026-01-01', key: 'c', units: {}, amount_micros: 0 },
    ];
    const csv =
      'source,day,project,amount_micros,units.input\r\n,2026-01-01,"a, ""b""",7,1.5\r\nother,2026-01-01,c,0,\r\n';
    const jsonl = expected.map((row) => JSON.stringify(row)).join('\n\n');
    expect(readUsage(csv, 'csv', 'openai')).toEqual(expected);
    expect(readUsage(jsonl, 'jsonl', undefined)).toEqual(expected);
  });

  it('is read as CSV as others write it', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', ' ', 'ü'), maxLength: 6 });
    const table = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(table, fc.constantFrom('\n', '\r\n'), (rows, delimiter) => {
        const text = stringify(rows, { record_delimiter: delimiter, quoted: true });
        expect(csvRows(text).map(({ cells }) => cells)).toEqual(rows);
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  it('of any text is rows or a refusal, in time that grows with it', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('"', ',', '\n', '\r', 'a') }), (text) => {
        try {
          csvRows(text);
        } catch (error) {
          expect(error).toMatchObject({ code: 'request_invalid' });
        }
      }),
      { seed: 8, numRuns: 500 },
    );
    expect(() => csvRows(`a\n"${'""'.repeat(500_000)}x`)).toThrow();
  });
});

describe('a tolerance', () => {
  it.each([
    [2, 1_000_000, 1_020_000, true],
    [2, 1_000_000, 1_020_500, false],
    [2, 1_020_500, 1_000_000, false],
    [0, 1_000_000, 1_010_000, true],
    [0, 1_000_000, 1_010_001, false],
    [2, 0, 10_000, true],
    [2, 0, 10_001, false],
    [100, 0, 1e12, true],
  ])('of %s%% between %s and %s: %s', (percent, ours, theirs, within) => {
    expect(isWithin(percent, ours, theirs)).toBe(within);
  });
});

describe('a range of days', () => {
  const now = new Date('2026-03-01T23:30:00.000Z');

  it('ends with today and begins where it is usual, unless told', () => {
    expect(dayRange({}, now, 31)).toEqual({ from: '2026-01-30', to: '2026-03-02' });
    expect(dayRange({ to: '2026-03-01' }, now, 1)).toEqual({ from: '2026-02-28', to: '2026-03-01' });
  });

  it.each([[{ from: '2026-03-02', to: '2026-03-02' }], [{ from: '2026-03-03' }], [{ from: '2000-01-01' }]])(
    'is refused: %j',
    (asked) => {
      expect(() => dayRange(asked, now, 31)).toThrow(
        expect.objectContaining({ code: 'request_invalid', field: 'to' }) as Error,
      );
    },
  );
});
