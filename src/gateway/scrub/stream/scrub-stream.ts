import { Transform, type TransformCallback } from 'node:stream';
import { BrokerError } from '../../../kernel/broker-error.js';
import type { Finding } from '../finding.js';
import type { FindingCounts } from '../findings.js';

/** How often a stream that holds something back is asked what must not wait longer. */
const TICK_MS = 500;
/** The longest that anything whole is held back while more of it comes. */
export const LONGEST_HOLD_TICKS = 60;

/** Looks through a stream piece by piece; throws what the stream is to end with. */
export interface PieceScrub {
  readonly counts: FindingCounts;
  /** Whether something is held back that must not wait for more without end. */
  readonly holds?: boolean;
  /** What may go on now that more has come; often less than what came. */
  push(chunk: Buffer): Buffer;
  /** A tick went by: what must not wait longer. */
  tick?(): Buffer;
  /** What is left when nothing more comes. */
  end(): Buffer;
}

/** A stream that lets through what was looked through. */
export class ScrubStream extends Transform {
  readonly #pieces: PieceScrub;
  #timer: NodeJS.Timeout | undefined;

  constructor(pieces: PieceScrub) {
    super();
    this.#pieces = pieces;
  }

  /** What was found so far. */
  findings(): readonly Finding[] {
    return this.#pieces.counts.list();
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#pass(() => this.#pieces.push(chunk), done);
    this.#watch();
  }

  override _flush(done: TransformCallback): void {
    clearInterval(this.#timer);
    this.#pass(() => this.#pieces.end(), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearInterval(this.#timer);
    super._destroy(error, done);
  }

  #watch(): void {
    const holds = this.#pieces.holds === true && !this.destroyed;
    if (holds) this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref();
    else if (this.#timer !== undefined) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }

  #tick(): void {
    this.#pass(
      () => this.#pieces.tick?.() ?? Buffer.alloc(0),
      (error) => {
        if (error) this.destroy(error);
      },
    );
    this.#watch();
  }

  #pass(piece: () => Buffer, done: TransformCallback): void {
    try {
      const clean = piece();
      if (clean.length > 0) this.push(clean);
      done();
    } catch (error) {
      done(error as Error);
    }
  }
}

/** How a stream ends in which something is that must not come in. */
export function blockedResponse(): BrokerError {
  return new BrokerError('response_blocked', { detail: 'The rest of the answer was held back.' });
}
