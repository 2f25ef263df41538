import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

/** Ways in which a file may be compressed. */
export const COMPRESSIONS = ['gzip', 'zstd'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

/** Makes one whole zstd frame of some bytes. */
export interface ZstdFrames {
  compress(bytes: Uint8Array): Uint8Array;
}

/** So much is a frame of its own. */
const FRAME_BYTES = 1024 * 1024;
const ZSTD_LEVEL = 3;

/** Loads zstd, which is WebAssembly and takes a moment the first time. */
export async function loadZstd(): Promise<ZstdFrames> {
  const { Zstd } = await import('@hpcc-js/wasm-zstd');
  const zstd = await Zstd.load();
  return { compress: (bytes) => zstd.compress(bytes, ZSTD_LEVEL) };
}

/** The pieces as one gzip member (RFC 1952). */
export async function* gzipped(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  const gzip = createGzip({ level: 6 });
  const fed = pipeline(pieces, gzip);
  // Whoever reads learns of a failure from the stream; without this it would also count as one that nobody handles.
  fed.catch(() => undefined);
  for await (const piece of gzip) yield piece as Buffer;
  await fed;
}

/**
 * The pieces as zstd frames one after another, which is a zstd file (RFC 8878 §3.1). Frames that stand alone, since the
 * one instance of zstd in a process would mix up the streams of two exports.
 */
export async function* zstdFrames(
  pieces: AsyncIterable<Buffer>,
  zstd: ZstdFrames,
): AsyncGenerator<Buffer, void, void> {
  let waiting: Buffer[] = [];
  let size = 0;
  const frame = (): Buffer => {
    const bytes = zstd.compress(Buffer.concat(waiting));
    waiting = [];
    size = 0;
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
  for await (const piece of pieces) {
    waiting.push(piece);
    size += piece.length;
    if (size >= FRAME_BYTES) yield frame();
  }
  if (size > 0) yield frame();
}
