import { Transform, type TransformCallback } from 'node:stream';
import { BrokerError } from '../../kernel/broker-error.js';

/** Lets chunks through, counts their bytes, and fails with `response_too_large` where they become too many. */
export class AnswerTap extends Transform {
  #bytes = 0;

  constructor(
    private readonly maxBytes: number,
    private readonly onChunk: (chunk: Buffer, bytesSoFar: number) => void,
  ) {
    super();
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.maxBytes) {
      done(new BrokerError('response_too_large'));
      return;
    }
    try {
      this.onChunk(chunk, this.#bytes);
    } catch (error) {
      // Thrown on, it would reach whoever feeds the stream, which is nobody who could catch it.
      done(error as Error);
      return;
    }
    done(null, chunk);
  }
}
