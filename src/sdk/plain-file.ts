import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { zstdPlain } from './zstd-file.js';

/** The bytes of a file that may be compressed by gzip or zstd, which its first bytes tell. Throws where it is damaged. */
export async function* plainBytes(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const iterator = pieces[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  for (let next = await iterator.next(); ; next = await iterator.next()) {
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
    if (head.length >= 4) break;
  }
  const all = async function* (): AsyncGenerator<Uint8Array, void, void> {
    yield head;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
  };
  if (head.length >= 4 && head.readUInt32LE(0) === 0xfd2fb528) yield* zstdPlain(all());
  else if (head[0] === 0x1f && head[1] === 0x8b) {
    const gunzip = createGunzip();
    const fed = pipeline(all(), gunzip);
    fed.catch(() => undefined);
    for await (const piece of gunzip) yield piece as Buffer;
    await fed;
  } else yield* all();
}
