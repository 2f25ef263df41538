import { open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DeliveryError } from '../../alert/channel/channel.js';
import type { Clock } from '../../kernel/clock.js';
import type { SinkSettings } from '../../settings/sinks-schema.js';
import type { SinkEvent } from '../sink-event.js';
import { Receiver } from './receiver.js';

const TAIL_BYTES = 131_072;
const LINE_FEED = 0x0a;

/**
 * A file of JSON lines `{"index","leaf_hash","event"}`, `event` being the leaf as it stands in the log. A batch counts when it is on the
 * disk. A file that grew too large or too old is put aside by renaming it; of those the newest are kept.
 */
export class FileReceiver extends Receiver {
  constructor(
    private readonly sink: Extract<SinkSettings, { kind: 'file' }>,
    private readonly clock: Clock,
  ) {
    super();
  }

  async deliver(events: readonly SinkEvent[]): Promise<void> {
    try {
      const body = Buffer.from(events.map(line).join(''), 'utf8');
      await this.rotateIfDue(body.length);
      // Opened for each batch: whoever moved the file away by other means gets a new one, and nothing is lost.
      const file = await open(this.sink.path, 'a+', 0o640);
      try {
        await dropTornLine(file);
        await file.appendFile(body);
        await file.datasync();
      } finally {
        await file.close();
      }
    } catch (error) {
      throw reasonOf(error);
    }
  }

  private async rotateIfDue(more: number): Promise<void> {
    const { path, maxBytes, maxAgeSeconds } = this.sink;
    const found = await stat(path).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    });
    if (found === undefined || found.size === 0) return;
    const nowMs = this.clock.now().getTime();
    const ageMs = nowMs - (found.birthtimeMs > 0 ? found.birthtimeMs : found.ctimeMs);
    if (found.size + more <= maxBytes && ageMs < maxAgeSeconds * 1_000) return;
    await rename(path, await this.freeName(nowMs));
    await this.dropOldest();
  }

  /** In order of time by name; a second one in the same millisecond waits for the next. */
  private async freeName(nowMs: number): Promise<string> {
    const taken = new Set(await this.aside());
    for (let ms = nowMs; ; ms += 1) {
      const name = `${basename(this.sink.path)}.${new Date(ms).toISOString().replace(/[-:]/g, '')}`;
      if (!taken.has(name)) return join(dirname(this.sink.path), name);
    }
  }

  private async dropOldest(): Promise<void> {
    const names = await this.aside();
    for (const name of names.slice(0, Math.max(0, names.length - this.sink.keep)))
      await rm(join(dirname(this.sink.path), name), { force: true });
  }

  /** Oldest first. */
  private async aside(): Promise<string[]> {
    const prefix = `${basename(this.sink.path)}.`;
    const names = await readdir(dirname(this.sink.path));
    return names
      .filter((name) => name.startsWith(prefix) && /^\d{8}T\d{6}\.\d{3}Z$/.test(name.slice(prefix.length)))
      .sort();
  }
}

function line({ index, leafHash, leaf, event }: SinkEvent): string {
  const value = event === undefined ? JSON.stringify(leaf.toString('base64')) : leaf.toString('utf8');
  return `{"index":${index},"leaf_hash":"${leafHash}","event":${value}}\n`;
}

/** A crash can leave half a line behind. Its batch never counted and is written again, so what is there of it goes. */
async function dropTornLine(file: FileHandle): Promise<void> {
  const { size } = await file.stat();
  if (size === 0) return;
  const length = Math.min(size, TAIL_BYTES);
  const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
  if (buffer.at(-1) === LINE_FEED) return;
  await file.truncate(size - length + buffer.lastIndexOf(LINE_FEED) + 1);
}

function reasonOf(error: unknown): DeliveryError {
  const { code } = error as { code?: unknown };
  const known = typeof code === 'string' && /^[A-Z0-9_]{2,64}$/.test(code) ? ` (${code})` : '';
  return new DeliveryError(`the file cannot be written${known}`);
}
