import { readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';

/** Where the bytes of a file stand in another one. */
export interface FilePlace {
  readonly at: number;
  readonly length: number;
}

/** Files as a thread can be told of them: below a folder, or in an open file at places by their path. */
export type FileSource =
  { readonly directory: string } | { readonly fd: number; readonly places: ReadonlyMap<string, FilePlace> };

/** The bytes of a file, read at once; undefined when there is none. Throws when it cannot be read. */
export function bytesIn(source: FileSource, path: string): Buffer | undefined {
  if ('fd' in source) {
    const place = source.places.get(path);
    if (place === undefined) return undefined;
    const bytes = Buffer.alloc(place.length);
    const read = readSync(source.fd, bytes, 0, place.length, place.at);
    return bytes.subarray(0, read);
  }
  try {
    return readFileSync(join(source.directory, path));
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return undefined;
    throw error;
  }
}
