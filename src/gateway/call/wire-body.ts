import type { Readable } from 'node:stream';
import { BrokerError } from '../../kernel/broker-error.js';

/**
 * Reads a body to its end. Refuses with `response_too_large` as soon as it has more than `maxBytes`, and rejects with
 * the signal's reason when it aborts; in both cases the connection is gone.
 */
export function readWhole(body: Readable, maxBytes: number, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const stop = (error: Error): void => {
      signal.removeEventListener('abort', onAbort);
      reject(error);
      body.destroy(error);
    };
    const onAbort = (): void => stop(signal.reason as Error);
    // Before anything may destroy it: an error that nobody hears ends the process.
    body.on('error', stop);
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    body.on('close', () => {
      if (!body.readableEnded)
        stop(new BrokerError('upstream_unreachable', { detail: 'the answer broke off' }));
    });
    body.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) return stop(new BrokerError('response_too_large'));
      chunks.push(chunk);
    });
    body.on('end', () => {
      signal.removeEventListener('abort', onAbort);
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, size));
    });
  });
}
