import { createReadStream, fstatSync } from 'node:fs';
import { open, readFile, readdir, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { FilePlace, FileSource } from './file-source.js';

/** Eight blocks at once: on a busy machine each wait for the disk costs more than the reading. */
const READ_BYTES = 8 * 1024 * 1024;
const BLOCK = 512;
const END_OF_NUMBERS = /[\0 ].*$/s;

/** An archive that ends early or is none. */
export class FolderDamaged extends Error {
  override readonly name = 'FolderDamaged';
}

/** Files by their path, in a folder or in a tar archive. */
export abstract class LogFolder {
  /** Undefined when there is no such file. Rejects when it cannot be read. */
  abstract read(path: string): Promise<Buffer | undefined>;

  /** The bytes of a file that is there, so many at once at most. */
  abstract stream(path: string, readBytes?: number): AsyncIterable<Uint8Array>;

  /** What stands directly in it, in order: files and folders. */
  abstract names(): Promise<string[]>;

  /** A folder in it. */
  abstract sub(name: string): LogFolder;

  /** What another thread needs to read these files; only as long as this folder is open. */
  abstract source(paths: readonly string[]): FileSource;

  async text(path: string): Promise<string | undefined> {
    return (await this.read(path))?.toString('utf8');
  }
}

/** A folder of the file system. */
export class DirectoryFolder extends LogFolder {
  constructor(private readonly directory: string) {
    super();
  }

  async read(path: string): Promise<Buffer | undefined> {
    try {
      return await readFile(join(this.directory, path));
    } catch (error) {
      if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
        return undefined;
      throw error;
    }
  }

  stream(path: string, readBytes = READ_BYTES): AsyncIterable<Uint8Array> {
    return createReadStream(join(this.directory, path), { highWaterMark: readBytes });
  }

  async names(): Promise<string[]> {
    return (await readdir(this.directory)).sort();
  }

  sub(name: string): LogFolder {
    return new DirectoryFolder(join(this.directory, name));
  }

  source(): FileSource {
    return { directory: this.directory };
  }
}

/** A tar archive (POSIX ustar) on disk, or a folder in it; of its files only the places are in memory. */
export class TarFolder extends LogFolder {
  private constructor(
    private readonly path: string,
    private readonly file: FileHandle,
    private readonly places: Map<string, FilePlace>,
    private readonly prefix: string,
  ) {
    super();
  }

  /** Finds its files. Throws {@link FolderDamaged} where it is cut off or no archive. */
  static async open(path: string): Promise<TarFolder> {
    const file = await open(path, 'r');
    const folder = new TarFolder(path, file, new Map(), '');
    try {
      await folder.#index();
      return folder;
    } catch (error) {
      await folder.close();
      throw error;
    }
  }

  async read(path: string): Promise<Buffer | undefined> {
    const place = this.places.get(this.prefix + path);
    return place && this.#bytes(place);
  }

  stream(path: string, readBytes = READ_BYTES): AsyncIterable<Uint8Array> {
    const { at, length } = this.places.get(this.prefix + path) ?? { at: 0, length: 0 };
    if (length === 0) return none();
    return createReadStream(this.path, { start: at, end: at + length - 1, highWaterMark: readBytes });
  }

  async names(): Promise<string[]> {
    const names = new Set<string>();
    for (const path of this.places.keys())
      if (path.startsWith(this.prefix)) names.add(path.slice(this.prefix.length).split('/', 1)[0] as string);
    return Promise.resolve([...names].sort());
  }

  sub(name: string): LogFolder {
    return new TarFolder(this.path, this.file, this.places, `${this.prefix}${name}/`);
  }

  source(paths: readonly string[]): FileSource {
    const places = new Map<string, FilePlace>();
    for (const path of paths) {
      const place = this.places.get(this.prefix + path);
      if (place !== undefined) places.set(path, place);
    }
    return { fd: this.file.fd, places };
  }

  close(): Promise<void> {
    return this.file.close();
  }

  async #index(): Promise<void> {
    const { size } = fstatSync(this.file.fd);
    for (let at = 0; ;) {
      const header = await this.#bytes({ at, length: BLOCK });
      if (header.every((byte) => byte === 0)) return;
      const sum = header.reduce((total, byte, n) => total + (n >= 148 && n < 156 ? 0x20 : byte), 0);
      if (numberAt(header, 148, 8) !== sum)
        throw new FolderDamaged(`the archive is damaged at byte ${at}: what stands there is no file`);
      const length = numberAt(header, 124, 12);
      const path = pathAt(header);
      if (header[156] === 0x30 || header[156] === 0) {
        if (this.places.has(path)) throw new FolderDamaged(`the archive has ${path} twice`);
        if (at + BLOCK + length > size) throw new FolderDamaged(`the archive is cut off in ${path}`);
        this.places.set(path, { at: at + BLOCK, length });
      }
      at += BLOCK + Math.ceil(length / BLOCK) * BLOCK;
    }
  }

  async #bytes({ at, length }: FilePlace): Promise<Buffer> {
    const bytes = Buffer.alloc(length);
    const { bytesRead } = await this.file.read(bytes, 0, length, at);
    if (bytesRead < length) throw new FolderDamaged(`the archive is cut off at byte ${at + bytesRead}`);
    return bytes;
  }
}

async function* none(): AsyncGenerator<Uint8Array, void, void> {
  // A file without bytes.
}

function pathAt(header: Buffer): string {
  // Of POSIX archives only; what GNU writes there is something else.
  const prefix = header.toString('latin1', 257, 263) === 'ustar\0' ? textAt(header, 345, 155) : '';
  const path = textAt(header, 0, 100);
  return (prefix === '' ? path : `${prefix}/${path}`).replace(/^\.\//, '');
}

function textAt(header: Buffer, at: number, length: number): string {
  const text = header.toString('utf8', at, at + length);
  const end = text.indexOf('\0');
  return end === -1 ? text : text.slice(0, end);
}

function numberAt(header: Buffer, at: number, length: number): number {
  const digits = header
    .toString('latin1', at, at + length)
    .trimStart()
    .replace(END_OF_NUMBERS, '');
  return /^[0-7]+$/.test(digits) ? parseInt(digits, 8) : NaN;
}
