import { StringDecoder } from 'node:string_decoder';
import { EventTexts } from '../../gateway/cost/event-texts.js';

/** What one `notifications/progress` says; the token is added by whoever sends it. */
export interface Progress {
  /** Bytes of the answer so far, which only grow, as the protocol wants it. */
  readonly progress: number;
  readonly message: string;
}

/** Sends one; rejects when nobody listens any more. */
export type TellProgress = (progress: Progress) => Promise<void>;

/** A client that asked for progress is told at most this often; what comes faster goes together. */
const EVERY_MS = 50;
/** What has come is told at once when it is more than this, so that no message is much larger. */
const LARGEST_MESSAGE = 16_384;

/**
 * Tells a client of an answer while it comes: of server-sent events and lines of JSON each one's data, a line apart; of
 * other text the text itself; of all else nothing. The answer was scrubbed before it gets here.
 */
export class CallProgress {
  readonly #read: ((chunk: Buffer) => void) | undefined;
  #pending: string[] = [];
  #pendingLength = 0;
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    contentType: string,
    private readonly tell: TellProgress,
  ) {
    this.#read = readerOf(contentType, (text) => this.#add(text));
  }

  /** Takes what came. */
  chunk(bytes: Buffer): void {
    this.#bytes += bytes.length;
    this.#read?.(bytes);
  }

  /** Tells what was not told yet, and nothing afterwards. */
  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#send();
  }

  #add(text: string): void {
    this.#pending.push(text);
    this.#pendingLength += text.length;
    if (this.#pendingLength > LARGEST_MESSAGE) this.#send();
    else if (this.#timer === undefined) {
      // The first piece is told at once: somebody waits for a sign of life.
      this.#send();
      this.#timer = setTimeout(() => this.#due(), EVERY_MS).unref();
    }
  }

  #due(): void {
    this.#timer = undefined;
    if (this.#pending.length === 0) return;
    this.#send();
    this.#timer = setTimeout(() => this.#due(), EVERY_MS).unref();
  }

  #send(): void {
    if (this.#pending.length === 0) return;
    const message = this.#pending.join('');
    this.#pending = [];
    this.#pendingLength = 0;
    // Whoever does not listen any more has closed the connection, which ends the call by itself.
    this.tell({ progress: this.#bytes, message }).catch(() => undefined);
  }
}

function readerOf(contentType: string, take: (text: string) => void): ((chunk: Buffer) => void) | undefined {
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type === 'text/event-stream' || /^application\/(x-)?(ndjson|jsonl|json-seq)$/.test(type)) {
    const events = new EventTexts((data) => take(`${data}\n`));
    return (chunk) => events.chunk(chunk);
  }
  if (!type.startsWith('text/')) return undefined;
  const decoder = new StringDecoder('utf8');
  return (chunk) => {
    const text = decoder.write(chunk);
    if (text !== '') take(text);
  };
}
