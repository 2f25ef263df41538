import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { Ids } from '../../kernel/ids.js';
import { Settings } from '../../settings/schema.js';
import { checkpointOf } from '../../tlog/checkpoint.js';
import { edgeLevels } from '../../tlog/edge.js';
import { parseNote } from '../../tlog/note.js';
import { TILE_WIDTH, tilePath, widthAt, type TileName } from '../../tlog/tile.js';
import type { SignedCheckpoint } from './checkpoints.js';
import { LogFiles } from './log-files.js';

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
    const there = await written(directory);
    const from = there?.origin === origin ? there.size : 0;
    if (there?.origin === origin && there.size >= size) return;
    for (const name of filesBetween(from, size)) {
      const bytes = await this.files.read(name, size);
      if (bytes !== undefined) await this.#write(join(directory, tilePath(name)), bytes);
    }
    await this.#write(join(directory, 'checkpoint'), note);
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

async function written(directory: string): Promise<ReturnType<typeof checkpointOf>> {
  try {
    const note = parseNote(await readFile(join(directory, 'checkpoint'), 'utf8'));
    return note && checkpointOf(note.text);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
