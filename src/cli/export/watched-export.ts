import type { StartedExport } from '../../sdk/admin-audit.js';
import type { OutputStreams } from '../terminal.js';
import { Progress } from '../progress.js';

const LINE_FEED = 0x0a;
const QUOTE = 0x22;
const MIB = 1024 * 1024;

/** The form of an export, as it decides what can be counted of it. */
export interface WatchedForm {
  readonly format: 'jsonl' | 'csv' | 'parquet' | 'ocsf' | 'cef' | 'bundle';
  readonly compressed: boolean;
  readonly filtered: boolean;
}

/** Shows how far an export has come while its bytes pass: records where they can be counted, else MiB. */
export class WatchedExport {
  readonly #progress: Progress;
  readonly #counted: boolean;

  constructor(
    stderr: OutputStreams['stderr'],
    private readonly form: WatchedForm,
    nowMs?: () => number,
  ) {
    this.#counted = !form.compressed && form.format !== 'parquet' && form.format !== 'bundle';
    this.#progress = new Progress(stderr, this.#counted ? 'records' : 'MiB', nowMs);
  }

  /** The same bytes. Nobody knows how many records filters leave; without them the broker says how many there are. */
  of({
    body,
    fromIndex,
    toIndex,
  }: Pick<StartedExport, 'body' | 'fromIndex' | 'toIndex'>): StartedExport['body'] {
    const { format, filtered } = this.form;
    const total = !this.#counted || filtered ? undefined : toIndex - fromIndex;
    const records = new RecordCount(format === 'csv');
    // The last line of JSON Lines is none, but nobody knows which one that is before it has come.
    const heads = format === 'jsonl' || format === 'csv' ? 1 : 0;
    let bytes = 0;
    return body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform: (piece, controller) => {
          bytes += piece.length;
          if (this.#counted) {
            const done = Math.max(0, records.add(piece) - heads);
            this.#progress.report(total === undefined ? done : Math.min(done, total), total);
          } else this.#progress.report(Math.round((bytes / MIB) * 10) / 10, undefined);
          controller.enqueue(piece);
        },
      }),
    );
  }

  /** Takes the bar away. */
  end(): void {
    this.#progress.end();
  }
}

/** Lines that have ended; of CSV those that end outside quotes (RFC 4180). */
class RecordCount {
  #lines = 0;
  #quoted = false;

  constructor(private readonly quotes: boolean) {}

  /** Answers how many there are so far. */
  add(piece: Uint8Array): number {
    if (this.quotes)
      for (const byte of piece) {
        if (byte === QUOTE) this.#quoted = !this.#quoted;
        else if (byte === LINE_FEED && !this.#quoted) this.#lines += 1;
      }
    else
      for (let at = piece.indexOf(LINE_FEED); at !== -1; at = piece.indexOf(LINE_FEED, at + 1))
        this.#lines += 1;
    return this.#lines;
  }
}
