const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;
/** No frame of an export is near it; a larger one is not of this broker. */
const MAX_FRAME_BYTES = 64 * 1024 * 1024;

/**
 * The plain bytes of a zstd file of frames of which each says how large it is, as exports are. Throws where the file is not
 * of that form, or ends in the middle of a frame.
 */
export async function* zstdPlain(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const { Zstd } = await import('@hpcc-js/wasm-zstd');
  const zstd = await Zstd.load();
  let waiting: Buffer[] = [];
  let size = 0;
  let needed = 0;
  for await (const piece of pieces) {
    waiting.push(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength));
    size += piece.byteLength;
    while (size > needed) {
      const bytes = Buffer.concat(waiting);
      const length = frameLength(bytes);
      if (length === undefined) {
        waiting = [bytes];
        needed = Math.min(2 * size, size + 64 * 1024);
        if (size > MAX_FRAME_BYTES) throw new RangeError('a frame of the file is too large');
        break;
      }
      if ((bytes.readUInt32LE(0) & 0xfffffff0) >>> 0 !== SKIPPABLE)
        yield zstd.decompress(bytes.subarray(0, length));
      waiting = [bytes.subarray(length)];
      size -= length;
      needed = 0;
    }
  }
  const rest = Buffer.concat(waiting);
  for (let at = 0; at < rest.length;) {
    const length = frameLength(rest.subarray(at));
    if (length === undefined) throw new RangeError('the file ends in the middle of a frame');
    yield zstd.decompress(rest.subarray(at, at + length));
    at += length;
  }
}

/** Bytes of the frame that stands first (RFC 8878 §3.1.1); undefined when not all of it is there. */
function frameLength(bytes: Buffer): number | undefined {
  if (bytes.length < 9) return undefined;
  const magic = bytes.readUInt32LE(0);
  if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) {
    const end = 8 + bytes.readUInt32LE(4);
    return end <= bytes.length ? end : undefined;
  }
  if (magic !== MAGIC) throw new RangeError('the file is no zstd file');
  const descriptor = bytes.readUInt8(4);
  const single = (descriptor >> 5) & 1;
  const contentSize = [single, 2, 4, 8][descriptor >> 6] ?? 0;
  const dictionary = [0, 1, 2, 4][descriptor & 3] ?? 0;
  let at = 5 + (1 - single) + dictionary + contentSize;
  for (let last = false; !last;) {
    if (at + 3 > bytes.length) return undefined;
    const header = bytes.readUIntLE(at, 3);
    last = (header & 1) === 1;
    const kind = (header >> 1) & 3;
    // A block of kind 1 is one byte, repeated.
    at += 3 + (kind === 1 ? 1 : header >> 3);
  }
  at += ((descriptor >> 2) & 1) * 4;
  return at <= bytes.length ? at : undefined;
}
