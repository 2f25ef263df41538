import { failureLines, type Failure } from './failure.js';
import { harmless, styled, wantsColour, type OutputStreams, type Style } from './terminal.js';

/** A column of a table: its heading, and the cell of a row. */
export type Column<T> = readonly [heading: string, cell: (row: T) => unknown];

/**
 * What a command prints. Data goes to standard output: with `--json` exactly one document (or JSON Lines), otherwise
 * for people. Everything else goes to standard error.
 */
export class Output {
  readonly #colour: boolean;
  readonly #errorColour: boolean;

  constructor(
    private readonly streams: OutputStreams,
    readonly json: boolean,
    environment: Readonly<Record<string, string | undefined>>,
  ) {
    this.#colour = wantsColour(streams.stdout, environment);
    this.#errorColour = wantsColour(streams.stderr, environment);
  }

  get stdout(): OutputStreams['stdout'] {
    return this.streams.stdout;
  }

  /** Whether a person looks at standard output. */
  get terminal(): boolean {
    return this.streams.stdout.isTTY === true;
  }

  /** The one document of a command; `human` says how people see it. */
  async show(value: unknown, human: () => string | Promise<string>): Promise<void> {
    if (this.json) this.document(value);
    else this.line(await human());
  }

  /** JSON for programs: indented where a person looks. */
  document(value: unknown): void {
    this.line(JSON.stringify(value, null, this.terminal ? 2 : undefined));
  }

  /** One line of JSON Lines. */
  jsonLine(value: unknown): void {
    this.line(JSON.stringify(value));
  }

  line(text: string): void {
    this.streams.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  }

  /** Something worth knowing that is not data. */
  note(text: string, style?: Style): void {
    const plain = harmless(text);
    this.streams.stderr.write(`${style === undefined ? plain : styled(plain, style, this.#errorColour)}\n`);
  }

  fail(failure: Failure): void {
    const [first = '', ...rest] = failureLines(failure);
    this.note(`leasegate: ${first}`, 'red');
    for (const line of rest) this.note(`  ${line}`);
  }

  /** Rows for people on a terminal (aligned, headings in bold), or tab-separated for `cut` and `awk`. */
  table<T>(rows: readonly T[], columns: readonly Column<T>[]): string {
    const cells = rows.map((row) => columns.map(([, cell]) => cellText(cell(row))));
    const headings = columns.map(([heading]) => heading);
    if (!this.terminal) return [headings, ...cells].map((line) => line.join('\t')).join('\n');
    const widths = headings.map((heading, at) =>
      Math.max(heading.length, ...cells.map((line) => line[at]?.length ?? 0)),
    );
    const aligned = (line: readonly string[]): string =>
      line.map((cell, at) => (at === line.length - 1 ? cell : cell.padEnd(widths[at] ?? 0))).join('  ');
    return [styled(aligned(headings), 'bold', this.#colour), ...cells.map(aligned)].join('\n');
  }

  /** One row by itself, for rows that come one by one: tab-separated. */
  row<T>(row: T, columns: readonly Column<T>[]): string {
    return columns.map(([, cell]) => cellText(cell(row))).join('\t');
  }

  /** Names and values, one a line. */
  fields(entries: readonly (readonly [name: string, value: unknown])[]): string {
    const width = Math.max(...entries.map(([name]) => name.length));
    return entries
      .map(([name, value]) => `${styled(name.padEnd(width), 'dim', this.#colour)}  ${cellText(value)}`)
      .join('\n');
  }

  /** A whole thing, for people: YAML. */
  async whole(value: unknown): Promise<string> {
    const { stringify } = await import('yaml');
    return harmless(stringify(value, { lineWidth: 0 }));
  }
}

function cellText(value: unknown): string {
  if (value === null || value === undefined || value === '') return '-';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return harmless(text).replace(/[\t\n]/g, ' ');
}
