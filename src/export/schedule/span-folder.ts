import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readFile, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** What a folder of a scheduled export says of itself. */
export interface SpanManifest {
  readonly leasegate_manifest: 1;
  readonly schedule: string;
  readonly export_id: string;
  /** Name of the file beside it. */
  readonly file: string;
  readonly format: string;
  readonly compression: string | null;
  readonly origin: string;
  readonly from_index: number;
  readonly to_index: number;
  readonly filtered: boolean;
  readonly count: number;
  readonly bytes: number;
  /** Hex; of the file. */
  readonly sha256: string;
  /** Entries before this one may be missing, since they were archived. */
  readonly archived_before: number | null;
  /** The event `audit.export_finished` of it, as `GET /v1/audit/exports/{id}/manifest` answers it. */
  readonly event: { readonly index: number; readonly leaf: string; readonly proof: string | null };
}

/**
 * The folder of one span, `FROM-TO`, with the file, `manifest.json` and `checkpoint`. It is written beside, under a name
 * that begins with a dot, and appears whole by one rename. A folder that is there is never written over: of two writers
 * the second one fails, and a reader sees one or none.
 */
export class SpanFolder {
  readonly path: string;
  readonly #aside: string;

  /** `fence` tells the writers of one span apart. */
  constructor(parent: string, fromIndex: number, toIndex: number, fence: string) {
    const name = `${String(fromIndex).padStart(12, '0')}-${String(toIndex).padStart(12, '0')}`;
    this.path = join(parent, name);
    this.#aside = join(parent, `.${name}.${fence}.part`);
  }

  /** What is there already, written as a whole and not changed since; undefined when nothing is. */
  async published(): Promise<SpanManifest | undefined> {
    let text: string;
    try {
      text = await readFile(join(this.path, 'manifest.json'), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    const manifest = JSON.parse(text) as SpanManifest;
    if ((await sha256Of(join(this.path, manifest.file))) !== manifest.sha256)
      throw new SpanChanged(this.path);
    return manifest;
  }

  /** Begins anew; takes away what earlier writers left half done. */
  async begin(): Promise<void> {
    const parent = dirname(this.#aside);
    await mkdir(parent, { recursive: true, mode: 0o750 });
    for (const name of await readdir(parent))
      if (/^\.\d+-\d+\.\d+\.part$/.test(name)) await rm(join(parent, name), { recursive: true, force: true });
    await mkdir(this.#aside, { mode: 0o750 });
  }

  /** Writes a file to the disk. */
  async write(
    name: string,
    content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<void> {
    const path = join(this.#aside, basename(name));
    await pipeline(content, createWriteStream(path, { flags: 'wx', mode: 0o640 }), signal ? { signal } : {});
    await onDisk(path);
  }

  /** Lets the folder appear. Fails when there is one already. */
  async publish(): Promise<void> {
    await onDisk(this.#aside);
    await rename(this.#aside, this.path);
    await onDisk(dirname(this.path));
  }

  /** Throws away what was not published. */
  async discard(): Promise<void> {
    await rm(this.#aside, { recursive: true, force: true });
  }
}

/** Somebody changed what a scheduled export had written before it was known to be written. */
export class SpanChanged extends Error {
  override readonly name = 'SpanChanged';
  readonly code = 'span_changed';
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

async function onDisk(path: string): Promise<void> {
  const file = await open(path, 'r');
  await file.sync().finally(() => file.close());
}
