import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { Ids } from '../../kernel/ids.js';
import { Settings } from '../../settings/schema.js';
import { checkpointIn } from '../../tlog/checkpoint.js';
import { edgeLevels } from '../../tlog/edge.js';
import { TILE_WIDTH, tilePath, widthAt, type TileName } from '../../tlog/tile.js';
import type { SignedCheckpoint } from './checkpoints.js';
import { LogFiles } from './log-files.js';
import { LogDamaged } from './log-tree.js';

/**
 * Writes the log to a folder (`audit.log.directory`), in the layout that public tools read. Each file appears whole, by a
 * rename, and the checkpoint last: whoever reads it finds everything that it vouches for. After a crash, and beside other
 * replicas, it goes on from the checkpoint that is there; what is written twice is the same.
 */
@Injectable()
export class LogDirectory {
  constructor(
    private readonly settings: Settings,
    private readonly ids: Ids,
    private readonly files: LogFiles,
  ) {}

  /** Writes what a checkpoint covers and is not there yet. Does nothing without a folder. Fails as the disk does. */
  async publish({ origin, size, note }: SignedCheckpoint): Promise<void> {
    const { directory } = this.settings.values.audit.log;
    if (directory === undefined) return;
    const there = checkpointIn(await written(directory));
    // Of a log that was given up the folder may have the only copy of what was lost: it stays beside.
    if (there !== undefined && there.origin !== origin) await putAside(directory, there.origin);
    const from = there?.origin === origin ? there.size : 0;
    if (there?.origin === origin && there.size >= size) return;
    for (const name of filesBetween(from, size)) {
      const bytes = await this.#read(name, size, from);
      if (bytes !== undefined) await this.#write(join(directory, tilePath(name)), bytes);
    }
    await this.#write(join(directory, 'checkpoint'), note);
  }

  /** Entries that were archived, or lost before a new origin, cannot be written to a folder that is begun anew. */
  async #read(name: TileName, size: number, from: number): Promise<Buffer | undefined> {
    try {
      return await this.files.read(name, size);
    } catch (error) {
      if (error instanceof LogDamaged && name.level === 'entries' && name.width === TILE_WIDTH && from === 0)
        return undefined;
      throw error;
    }
  }

  /** The checkpoint that stands in the folder, of whichever origin; undefined without a folder, or where there is none. */
  async newest(): Promise<string | undefined> {
    const { directory } = this.settings.values.audit.log;
    return directory === undefined ? undefined : written(directory);
  }

  async #write(path: string, content: Buffer | string): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    const aside = `${path}.${this.ids.bytes(6).toString('hex')}.new`;
    const file = await open(aside, 'wx', 0o644);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
  }
}

/** The tiles and bundles that a log of `size` entries has beyond one of `from`. */
function* filesBetween(from: number, size: number): Generator<TileName, void, void> {
  for (let level = 0; level < edgeLevels(size); level += 1) {
    const last = Math.floor((Math.ceil(size / TILE_WIDTH ** level) - 1) / TILE_WIDTH);
    for (let n = Math.floor(from / TILE_WIDTH ** (level + 1)); n <= last; n += 1) {
      const width = widthAt(level, n, size);
      if (width === 0) continue;
      yield { level, n, width };
      if (level === 0) yield { level: 'entries', n, width };
    }
  }
}

async function written(directory: string): Promise<string | undefined> {
  try {
    return await readFile(join(directory, 'checkpoint'), 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Moves a former log to `former/`, its checkpoint last: done half, it is done again. */
async function putAside(directory: string, origin: string): Promise<void> {
  const aside = join(directory, 'former', origin.replace(/[^\w.-]/g, '_'));
  await mkdir(aside, { recursive: true });
  for (const name of ['tile', 'checkpoint']) {
    await rename(join(directory, name), join(aside, name)).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
