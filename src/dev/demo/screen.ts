import { stripVTControlCharacters, styleText } from 'node:util';
import type { Screen, StepName, StepResult } from './step.js';
import { STEP_NAMES } from './step.js';

type Colour = Parameters<typeof styleText>[0];

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 100;
const PLAIN_COLUMNS = 120;
const NAME_WIDTH = Math.max(...STEP_NAMES.map((name) => name.length));

/** Shows steps on a stream: with a spinner on a terminal, as plain lines elsewhere. */
export function screenOn(stream: NodeJS.WriteStream): Screen & { close(): void } {
  return stream.isTTY ? new TerminalScreen(stream) : new PlainScreen(stream);
}

/** Time as people read it. */
export function duration(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

/** A step as it is shown; its detail is continued below itself, within the columns. */
function line(mark: string, result: StepResult, columns: number, paint: Paint): string {
  const { name, ms, detail } = result;
  const time = duration(ms).padStart(8);
  const indent = stripVTControlCharacters(mark).length + NAME_WIDTH + time.length + 4;
  const [first = '', ...rest] = detail.split('\n').flatMap((text) => wrapped(text, columns - indent));
  const lead = `${mark} ${name.padEnd(NAME_WIDTH)} ${paint('dim', time)}  `;
  return [`${lead}${first}`, ...rest.map((more) => ' '.repeat(indent) + more)].join('\n');
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let current = '';
  for (const word of text.split(' ')) {
    if (current !== '' && current.length + 1 + word.length > width) {
      lines.push(current);
      current = word;
    } else current = current === '' ? word : `${current} ${word}`;
  }
  return [...lines, current];
}

type Paint = (colour: Colour, text: string) => string;
const plain: Paint = (_colour, text) => text;

class PlainScreen implements Screen {
  #told = '';

  constructor(private readonly stream: NodeJS.WriteStream) {}

  started(): void {}

  progress(text: string): void {
    if (text === this.#told) return;
    this.#told = text;
    this.stream.write(`... ${text}\n`);
  }

  finished(result: StepResult): void {
    this.stream.write(`${line(result.ok ? 'ok  ' : 'FAIL', result, PLAIN_COLUMNS, plain)}\n`);
  }

  text(text: string): void {
    this.stream.write(`${text}\n`);
  }

  close(): void {}
}

class TerminalScreen implements Screen {
  #spinning: NodeJS.Timeout | undefined;
  #frame = 0;
  #status = '';
  #begin = 0;

  constructor(private readonly stream: NodeJS.WriteStream) {}

  started(name: StepName): void {
    this.#status = name;
    this.#begin = performance.now();
    this.#spinning ??= setInterval(() => this.#draw(), FRAME_MS);
    this.#draw();
  }

  progress(text: string): void {
    this.#status = text;
  }

  finished(result: StepResult): void {
    this.close();
    const mark = result.ok ? this.#paint('green', '✔') : this.#paint('red', '✖');
    this.stream.write(
      `${line(mark, result, this.stream.columns, (colour, text) => this.#paint(colour, text))}\n`,
    );
  }

  text(text: string): void {
    this.#erase();
    this.stream.write(`${text}\n`);
  }

  close(): void {
    clearInterval(this.#spinning);
    this.#spinning = undefined;
    this.#erase();
  }

  #draw(): void {
    this.#frame = (this.#frame + 1) % FRAMES.length;
    const spent = duration(Math.floor((performance.now() - this.#begin) / 100) * 100);
    const text = `${FRAMES[this.#frame]} ${this.#status} (${spent})`;
    this.stream.write(`\r\x1b[2K${text.slice(0, Math.max(20, this.stream.columns - 1))}`);
  }

  #erase(): void {
    this.stream.write('\r\x1b[2K');
  }

  #paint(colour: Colour, text: string): string {
    return process.env['NO_COLOR'] ? text : styleText(colour, text);
  }
}
