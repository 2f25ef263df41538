import { createHash } from 'node:crypto';
import { StringDecoder } from 'node:string_decoder';
import { BrokerError } from '../../kernel/broker-error.js';

/** Most that one batch may have. */
export const BATCH_BYTES = 67_108_864;
const LINE_CHARS = 65_536;

/** A batch after all its lines were read. */
export interface ReadBatch {
  /** SHA-256 of its bytes. */
  readonly digest: Buffer;
  /** Lines that are not empty. */
  readonly lines: number;
}

/**
 * Hands over the lines of a log one by one while it comes in; a line that is longer than any log's has is cut. Refuses
 * with `request_too_large` more than {@link BATCH_BYTES}.
 */
export async function readLines(
  body: AsyncIterable<Buffer>,
  take: (line: string) => void | Promise<void>,
): Promise<ReadBatch> {
  const hash = createHash('sha256');
  const decoder = new StringDecoder('utf8');
  let bytes = 0;
  let lines = 0;
  let rest = '';
  const emit = async (line: string): Promise<void> => {
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (text === '') return;
    lines += 1;
    const taken = take(text.slice(0, LINE_CHARS));
    if (taken !== undefined) await taken;
  };
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > BATCH_BYTES)
      throw new BrokerError('request_too_large', { detail: `send at most ${BATCH_BYTES} bytes at once` });
    hash.update(chunk);
    const parts = (rest + decoder.write(chunk)).split('\n');
    // Of a line without end no more is kept than of any other.
    rest = (parts.pop() ?? '').slice(0, LINE_CHARS + 1);
    for (const line of parts) await emit(line);
  }
  await emit(rest + decoder.end());
  return { digest: hash.digest(), lines };
}
