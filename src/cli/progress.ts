import type { OutputStreams } from './terminal.js';

const BAR_WIDTH = 30;
const BAR_EVERY_MS = 100;
const LINE_EVERY_MS = 10_000;

/** How far something long has come: a bar on a terminal, else a line now and then, on standard error. */
export class Progress {
  readonly #bar: boolean;
  #shownMs: number;
  #drawn = false;

  constructor(
    private readonly stderr: OutputStreams['stderr'],
    private readonly noun: string,
    private readonly nowMs: () => number = () => performance.now(),
  ) {
    this.#bar = stderr.isTTY === true;
    this.#shownMs = nowMs();
  }

  /** `total` is undefined where nobody knows it. */
  report(done: number, total: number | undefined): void {
    const now = this.nowMs();
    if (now - this.#shownMs < (this.#bar ? BAR_EVERY_MS : LINE_EVERY_MS)) return;
    this.#shownMs = now;
    const line = lineOf(done, total, this.noun);
    this.stderr.write(this.#bar ? `\r\u001b[K${line}` : `${line}\n`);
    this.#drawn = this.#bar;
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#drawn) this.stderr.write('\r\u001b[K');
    this.#drawn = false;
  }
}

function lineOf(done: number, total: number | undefined, noun: string): string {
  if (total === undefined) return `${done} ${noun}`;
  const full = total === 0 ? BAR_WIDTH : Math.min(BAR_WIDTH, Math.floor((done / total) * BAR_WIDTH));
  return `[${'#'.repeat(full).padEnd(BAR_WIDTH, '.')}] ${done} of ${total} ${noun}`;
}
