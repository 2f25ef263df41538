import { cpus } from 'node:os';

/** One measured line; the shape is a contract that scripts rely on. */
export interface Row {
  readonly case: string;
  readonly metric: string;
  readonly unit: string;
  readonly ours: number;
  readonly reference: number | null;
  readonly ratio: number | null;
  /** For the ratio, or for `ours` where there is no reference; null where the line only informs. */
  readonly limit: number | null;
  readonly better: 'higher' | 'lower';
  readonly holds: boolean;
}

/** What a benchmark answers. */
export interface Report {
  readonly bench: string;
  readonly machine: { readonly cores: number; readonly node: string };
  readonly rounds: number;
  readonly rows: readonly Row[];
}

/** A line that compares; medians of rounds go in. */
export function compared(
  line: Pick<Row, 'case' | 'metric' | 'unit' | 'limit' | 'better'> & {
    readonly ours: number;
    readonly reference: number;
  },
): Row {
  const ratio = line.ours / line.reference;
  return {
    ...line,
    ours: round(line.ours),
    reference: round(line.reference),
    ratio: round(ratio),
    holds: within(ratio, line.limit, line.better),
  };
}

/** A line without anything to compare with; its limit applies to the value itself. */
export function measured(
  line: Pick<Row, 'case' | 'metric' | 'unit' | 'limit' | 'better'> & { readonly ours: number },
): Row {
  return {
    ...line,
    ours: round(line.ours),
    reference: null,
    ratio: null,
    holds: within(line.ours, line.limit, line.better),
  };
}

/** Puts the rows into a report of this machine. */
export function report(bench: string, rounds: number, rows: readonly Row[]): Report {
  return { bench, machine: { cores: cpus().length, node: process.version }, rounds, rows };
}

/** The report as a table for people. */
export function table({ bench, machine, rounds, rows }: Report): string {
  const head = ['case', 'metric', 'ours', 'reference', 'ratio', 'limit', ''];
  const cells = rows.map((row) => [
    row.case,
    `${row.metric} (${row.unit})`,
    String(row.ours),
    row.reference === null ? '-' : String(row.reference),
    row.ratio === null ? '-' : String(row.ratio),
    row.limit === null ? '-' : `${row.better === 'lower' ? '≤' : '≥'} ${row.limit}`,
    row.limit === null ? '' : row.holds ? 'holds' : 'DOES NOT HOLD',
  ]);
  const widths = head.map((title, column) =>
    Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [
    `${bench}: ${machine.cores} cores, Node ${machine.node}, medians of ${rounds} rounds`,
    line(head),
    ...cells.map(line),
  ].join('\n');
}

/** Measures each side once, in every other turn the last of them first: who comes later finds more left behind. */
export async function inTurns(turn: number, sides: readonly (() => Promise<unknown>)[]): Promise<void> {
  for (const measure of turn % 2 === 0 ? sides : sides.toReversed()) await measure();
}

/** The middle value; the mean of the two middle ones of an even count. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** A quantile by linear interpolation between the closest ranks. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) throw new Error('no values were measured');
  const sorted = [...values].sort((a, b) => a - b);
  const position = (sorted.length - 1) * q;
  const below = sorted[Math.floor(position)] ?? 0;
  const above = sorted[Math.ceil(position)] ?? below;
  return below + (above - below) * (position - Math.floor(position));
}

function within(value: number, limit: number | null, better: Row['better']): boolean {
  return limit === null || (better === 'lower' ? value <= limit : value >= limit);
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
