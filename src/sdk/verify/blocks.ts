import { MAX_LINE_BYTES } from './export-lines.js';

/** At least twice the longest line, so that a line which does not fit is too long for certain. */
export const BLOCK_BYTES = 2 * MAX_LINE_BYTES;

const LINE_FEED = 0x0a;

/** Whole lines, as many as fit. */
export interface Block {
  /** Of memory that threads share, and only until as many blocks as there are buffers have followed. */
  readonly bytes: Buffer;
  /** A line that does not even fit into a block; none of its bytes were kept. */
  readonly overlong: boolean;
  /** Its last line ends with a line feed: only the last block of a file may lack it. */
  readonly ended: boolean;
}

/** Cuts a file into blocks, in the memory of `buffers` of them. */
export async function* blocksOf(
  stream: AsyncIterable<Uint8Array | string>,
  buffers: number,
): AsyncGenerator<Block, void, void> {
  const ring = Array.from({ length: buffers }, () => Buffer.from(new SharedArrayBuffer(BLOCK_BYTES)));
  let turn = 0;
  let length = 0;
  let skipping = false;
  for await (const piece of stream) {
    let rest = bytesOf(piece);
    while (rest.length > 0) {
      if (skipping) {
        const end = rest.indexOf(LINE_FEED);
        if (end === -1) break;
        rest = rest.subarray(end + 1);
        skipping = false;
        yield { bytes: Buffer.alloc(0), overlong: true, ended: true };
        continue;
      }
      const buffer = ring[turn] as Buffer;
      const taken = rest.copy(buffer, length);
      rest = rest.subarray(taken);
      length += taken;
      if (length < BLOCK_BYTES) break;
      const end = buffer.lastIndexOf(LINE_FEED) + 1;
      skipping = end === 0;
      turn = (turn + 1) % buffers;
      length = skipping ? 0 : buffer.copy(ring[turn] as Buffer, 0, end);
      if (!skipping) yield { bytes: buffer.subarray(0, end), overlong: false, ended: true };
    }
  }
  if (skipping) yield { bytes: Buffer.alloc(0), overlong: true, ended: false };
  else if (length > 0) {
    const bytes = (ring[turn] as Buffer).subarray(0, length);
    yield { bytes, overlong: false, ended: bytes.at(-1) === LINE_FEED };
  }
}

function bytesOf(piece: Uint8Array | string): Buffer {
  return typeof piece === 'string'
    ? Buffer.from(piece, 'utf8')
    : Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
}
