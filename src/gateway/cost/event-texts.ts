import { StringDecoder } from 'node:string_decoder';

/** An event longer than this reports no cost that anybody would believe; it is passed over. */
const LONGEST_EVENT = 1_048_576;

/**
 * The data of each event in a stream of server-sent events (HTML Living Standard §9.2.6), or each line of JSON Lines,
 * from chunks that end anywhere. Keeps one unfinished event and nothing else.
 */
export class EventTexts {
  readonly #decoder = new StringDecoder('utf8');
  #line = '';
  #data: string[] = [];
  #dataLength = 0;
  #skippingLine = false;
  #afterCr = false;

  /** Whether something was too long to look at. */
  passedOver = false;

  constructor(private readonly take: (data: string) => void) {}

  chunk(bytes: Buffer): void {
    this.text(this.#decoder.write(bytes));
  }

  /** What is left when the stream has ended: the last event may lack its blank line. */
  end(): void {
    this.text(`${this.#decoder.end()}\n\n`);
  }

  private text(text: string): void {
    let from = 0;
    // CR LF is one line end, also when a chunk ends between the two.
    if (this.#afterCr && text.startsWith('\n')) from = 1;
    if (text.length > 0) this.#afterCr = false;
    for (;;) {
      const end = lineEnd(text, from);
      if (end === -1) break;
      this.part(text.slice(from, end));
      this.line();
      from = end + 1;
      if (text[end] !== '\r') continue;
      if (from === text.length) this.#afterCr = true;
      else if (text[from] === '\n') from += 1;
    }
    this.part(text.slice(from));
  }

  private part(text: string): void {
    if (this.#line.length + text.length > LONGEST_EVENT) {
      this.#skippingLine = true;
      this.#line = '';
    }
    if (!this.#skippingLine) this.#line += text;
  }

  private line(): void {
    const line = this.#line;
    this.#line = '';
    if (this.#skippingLine) {
      this.#skippingLine = false;
      this.passedOver = true;
    } else if (line === '') {
      this.event();
    } else if (line.startsWith('data:')) {
      this.data(line.slice(line[5] === ' ' ? 6 : 5));
    } else if (line.startsWith('{')) {
      this.take(line);
    }
  }

  private data(text: string): void {
    this.#dataLength += text.length;
    if (this.#dataLength <= LONGEST_EVENT) this.#data.push(text);
    else this.passedOver = true;
  }

  private event(): void {
    const whole = this.#dataLength <= LONGEST_EVENT && this.#data.length > 0;
    if (whole) this.take(this.#data.length === 1 ? (this.#data[0] ?? '') : this.#data.join('\n'));
    this.#data = [];
    this.#dataLength = 0;
  }
}

function lineEnd(text: string, from: number): number {
  const lf = text.indexOf('\n', from);
  const cr = text.indexOf('\r', from);
  if (lf === -1 || cr === -1) return Math.max(lf, cr);
  return Math.min(lf, cr);
}
