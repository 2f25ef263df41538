import { open, readFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

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
}

interface Place {
  readonly at: number;
  readonly length: number;
}

/** A tar archive (POSIX ustar) on disk; of its files only the places are in memory. */
export class TarFolder extends LogFolder {
  readonly #places = new Map<string, Place>();

  private constructor(private readonly file: FileHandle) {
    super();
  }

  /** Finds its files. Throws {@link FolderDamaged} where it is cut off or no archive. */
  static async open(path: string): Promise<TarFolder> {
    const folder = new TarFolder(await open(path, 'r'));
    try {
      await folder.#index();
      return folder;
    } catch (error) {
      await folder.close();
      throw error;
    }
  }

  async read(path: string): Promise<Buffer | undefined> {
    const place = this.#places.get(path);
    return place && this.#bytes(place);
  }

  close(): Promise<void> {
    return this.file.close();
  }

  async #index(): Promise<void> {
    for (let at = 0; ;) {
      const header = await this.#bytes({ at, length: BLOCK });
      if (header.every((byte) => byte === 0)) return;
      const sum = header.reduce((total, byte, n) => total + (n >= 148 && n < 156 ? 0x20 : byte), 0);
      if (numberAt(header, 148, 8) !== sum)
        throw new FolderDamaged(`the archive is damaged at byte ${at}: what stands there is no file`);
      const length = numberAt(header, 124, 12);
      const path = textAt(header, 0, 100).replace(/^\.\//, '');
      if (header[156] === 0x30 || header[156] === 0) {
        if (this.#places.has(path)) throw new FolderDamaged(`the archive has ${path} twice`);
        this.#places.set(path, { at: at + BLOCK, length });
      }
      at += BLOCK + Math.ceil(length / BLOCK) * BLOCK;
    }
  }

  async #bytes({ at, length }: Place): Promise<Buffer> {
    const bytes = Buffer.alloc(length);
    const { bytesRead } = await this.file.read(bytes, 0, length, at);
    if (bytesRead < length) throw new FolderDamaged(`the archive is cut off at byte ${at + bytesRead}`);
    return bytes;
  }
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
