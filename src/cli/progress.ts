import type { OutputStreams } from './terminal.js';

const BAR_WIDTH = 30;
const BAR_EVERY_MS = 100;
const LINE_EVERY_MS = 10_000;

/** How far something long has come: a bar on a terminal, else a line now and then, on standard error. */
export class Progress {
  readonly #bar: boolean;
  readonly #beganMs: number;
  #shownMs: number;
  #drawn = false;

  constructor(
    private readonly stderr: OutputStreams['stderr'],
    private readonly noun: string,
    private readonly nowMs: () => number = () => performance.now(),
  ) {
    this.#bar = stderr.isTTY === true;
    this.#beganMs = nowMs();
    this.#shownMs = this.#beganMs;
  }

  /** `total` is undefined where nobody knows it; how fast it goes is said then. */
  report(done: number, total: number | undefined): void {
    const now = this.nowMs();
    if (now - this.#shownMs < (this.#bar ? BAR_EVERY_MS : LINE_EVERY_MS)) return;
    this.#shownMs = now;
    const line = lineOf(done, total, this.noun, (now - this.#beganMs) / 1_000);
    this.stderr.write(this.#bar ? `\r\u001b[K${line}` : `${line}\n`);
    this.#drawn = this.#bar;
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#drawn) this.stderr.write('\r\u001b[K');
    this.#drawn = false;
  }
}

function lineOf(done: number, total: number | undefined, noun: string, seconds: number): string {
  if (total === undefined) {
    const rate = seconds > 0 ? done / seconds : 0;
    return `${done} ${noun}, ${rate < 10 ? rate.toFixed(1) : Math.round(rate)} a second`;
  }
  const full = total === 0 ? BAR_WIDTH : Math.min(BAR_WIDTH, Math.floor((done / total) * BAR_WIDTH));
  return `[${'#'.repeat(full).padEnd(BAR_WIDTH, '.')}] ${done} of ${total} ${noun}`;
}
