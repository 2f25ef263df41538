import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';

/** A file that is being written, or whose writer died. */
const ASIDE = /^\..+\.new$/;
const ABANDONED_AFTER_MS = 3_600_000;

/** An entry as a file has it. */
export interface ArchivedEntry {
  readonly index: number;
  readonly leaf: Buffer;
}

/** An archive that is not there, cannot be read, or is not what was written. */
export class ArchiveDamaged extends Error {
  override readonly name = 'ArchiveDamaged';
  readonly code = 'archive_damaged';
}

/** The folder of a part, below that of the archives. */
export function partFolder(fromIndex: number, toIndex: number): string {
  return `${String(fromIndex).padStart(12, '0')}-${String(toIndex).padStart(12, '0')}`;
}

/**
 * Writes entries as gzipped JSON Lines `{"index","leaf"}`, the leaf being the exact text that was hashed. The file appears
 * whole, by a rename, once it is on the disk. Answers how many there were.
 */
export async function writeEntries(
  path: string,
  pages: AsyncIterable<readonly ArchivedEntry[]>,
): Promise<number> {
  let count = 0;
  async function* lines(): AsyncGenerator<string, void, void> {
    for await (const page of pages) {
      count += page.length;
      yield page
        .map(({ index, leaf }) => `${JSON.stringify({ index, leaf: leaf.toString('utf8') })}\n`)
        .join('');
    }
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await whole(path, (aside) =>
    pipeline(Readable.from(lines()), createGzip(), createWriteStream(aside, { mode: 0o600 })),
  );
  return count;
}

/** Writes a file that appears whole. */
export async function writeWhole(path: string, content: Buffer | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await whole(path, (aside) => pipeline(Readable.from([content]), createWriteStream(aside, { mode: 0o600 })));
}

/** Removes what writers left aside that died: nothing was added to it for an hour. Does nothing where there is no such folder. */
export async function removeAbandoned(folder: string, now: Date): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (!ASIDE.test(name)) continue;
    const written = await stat(join(folder, name)).catch(() => undefined);
    if (written !== undefined && now.getTime() - written.mtimeMs > ABANDONED_AFTER_MS)
      await rm(join(folder, name), { force: true });
  }
}

/** The entries of a file, in pages of at most `size`. Throws {@link ArchiveDamaged} at what is none. */
export async function* readEntries(
  path: string,
  size: number,
): AsyncGenerator<readonly ArchivedEntry[], void, void> {
  const source = createReadStream(path);
  const text = source.pipe(createGunzip());
  source.once('error', (error) => text.destroy(error));
  // The loop listens only for as long as it lasts; what is being unpacked when it is left may still prove damaged.
  const lines = createInterface({ input: text, crlfDelay: Infinity });
  lines.on('error', () => undefined);
  let page: ArchivedEntry[] = [];
  try {
    for await (const line of lines) {
      page.push(entryOf(line));
      if (page.length < size) continue;
      yield page;
      page = [];
    }
  } catch (cause) {
    if (cause instanceof ArchiveDamaged) throw cause;
    throw new ArchiveDamaged(`${path} cannot be read`, { cause });
  } finally {
    source.destroy();
    text.destroy();
  }
  if (page.length > 0) yield page;
}

/** Hex; of the bytes of a file. Throws {@link ArchiveDamaged} when it cannot be read. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path), hash);
  } catch (cause) {
    throw new ArchiveDamaged(`${path} cannot be read`, { cause });
  }
  return hash.digest('hex');
}

function entryOf(line: string): ArchivedEntry {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    throw new ArchiveDamaged('there is a line that is no JSON');
  }
  const { index, leaf } = parsed as Readonly<Record<string, unknown>>;
  if (!Number.isSafeInteger(index) || typeof leaf !== 'string')
    throw new ArchiveDamaged('there is a line that is no entry');
  return { index: index as number, leaf: Buffer.from(leaf, 'utf8') };
}

async function whole(path: string, write: (aside: string) => Promise<void>): Promise<void> {
  const aside = join(dirname(path), `.${hostname()}-${process.pid}.new`);
  try {
    await write(aside);
    const file = await open(aside, 'r');
    await file.sync().finally(() => file.close());
    await rename(aside, path);
    const folder = await open(dirname(path), 'r');
    await folder.sync().finally(() => folder.close());
  } finally {
    await rm(aside, { force: true });
  }
}
