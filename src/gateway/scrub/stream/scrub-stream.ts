import { Transform, type TransformCallback } from 'node:stream';
import { BrokerError } from '../../../kernel/broker-error.js';
import type { Finding } from '../finding.js';
import type { FindingCounts } from '../findings.js';

/** Looks through a stream piece by piece; throws what the stream is to end with. */
export interface PieceScrub {
  readonly counts: FindingCounts;
  /** What may go on now that more has come; often less than what came. */
  push(chunk: Buffer): Buffer;
  /** What is left when nothing more comes. */
  end(): Buffer;
}

/** A stream that lets through what was looked through. */
export class ScrubStream extends Transform {
  readonly #pieces: PieceScrub;

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
  }

  override _flush(done: TransformCallback): void {
    this.#pass(() => this.#pieces.end(), done);
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
