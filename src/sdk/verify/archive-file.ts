import { HASH_BYTES } from '../../tlog/hash.js';
import { plainBytes } from '../plain-file.js';
import type { ArchiveScan } from './archive-scan.js';
import type { ArchiveManifest } from './archive-manifest.js';
import { blocksOf } from './blocks.js';
import type { LogFolder } from './log-folder.js';
import type { Problems } from './problems.js';
import { bufferOf } from './scan-work.js';
import type { Scanners } from './scanners.js';

const READ_BYTES = 256 * 1024;

/** An entry of a file: its index, its hash, and what is wrong with it by itself. */
export interface FoundEntry {
  readonly index: number;
  readonly hash: Buffer;
  readonly problem: string | undefined;
}

/** Walks through a file of archived entries in its order, with threads reading ahead. */
export class ArchiveFile {
  /** Lines that are entries, as far as the file was read. */
  count = 0;
  readonly #scans: AsyncGenerator<ArchiveScan | undefined, void, void>;
  #scan: ArchiveScan | undefined;
  #at = 0;
  #line = 0;
  #last = -1;
  #ended = false;

  /** `ahead` blocks of it are given to threads before they are needed. */
  constructor(
    private readonly folder: LogFolder,
    readonly name: string,
    private readonly part: ArchiveManifest,
    private readonly scanners: Scanners,
    private readonly problems: Problems,
    private readonly options: { readonly ahead: number; readonly maxProblems: number | undefined },
  ) {
    this.#scans = this.#blocks();
  }

  /** The next entry below `end`, in the order of the log; undefined when there is none. Says what is wrong on the way. */
  async next(end: number): Promise<FoundEntry | undefined> {
    for (;;) {
      const scan = this.#scan;
      const index = scan?.indexes[this.#at];
      if (scan === undefined || index === undefined) {
        if (this.#ended || !(await this.#load())) return undefined;
        continue;
      }
      if (index <= this.#last) {
        this.#at += 1;
        const why = `the entry is out of order, or there twice: ${this.#last} stands before it`;
        this.problems.foundIn(this.name, why, index);
        continue;
      }
      if (index >= end) return undefined;
      const at = this.#at;
      this.#at += 1;
      this.#last = index;
      const hash = bufferOf(scan.hashes).subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES);
      return { index, hash, problem: scan.odd.get(at) };
    }
  }

  /** Lets go of the file. */
  async close(): Promise<void> {
    this.#ended = true;
    await this.#scans.return();
  }

  async #load(): Promise<boolean> {
    try {
      const { value: scan, done } = await this.#scans.next();
      this.#ended = done === true;
      this.#at = 0;
      this.#scan = scan ?? undefined;
      if (done === true) return false;
      if (scan === undefined) this.problems.foundIn(this.name, 'there is a line that is no entry');
      else this.#take(scan);
      return true;
    } catch (error) {
      // What a decompressor says is about the file and not about us.
      const why = error instanceof Error ? error.message : 'no reason given';
      this.problems.foundIn(this.name, `it cannot be read: ${why}`);
      this.#ended = true;
      this.#scan = undefined;
      return false;
    }
  }

  #take({ found, foundCount, count, lines }: ArchiveScan): void {
    const listed = found.map(({ line, index, problem }) => ({
      line: 0,
      file: this.name,
      ...(index !== undefined && { index }),
      problem: problem ?? `line ${this.#line + line} is no entry`,
    }));
    this.problems.take(listed, foundCount);
    this.count += count;
    this.#line += lines;
  }

  /** Undefined for a line that no block can hold. */
  async *#blocks(): AsyncGenerator<ArchiveScan | undefined, void, void> {
    const { ahead, maxProblems } = this.options;
    const { from_index: from, to_index: to } = this.part;
    const waiting: Promise<ArchiveScan | undefined>[] = [];
    const pieces = plainBytes(this.folder.stream(this.name, READ_BYTES));
    let failed: { readonly error: unknown } | undefined;
    try {
      for await (const { bytes, overlong } of blocksOf(pieces, ahead + 2)) {
        waiting.push(
          overlong
            ? Promise.resolve(undefined)
            : this.scanners.scan('archived', { bytes, from, to, maxProblems }),
        );
        if (waiting.length > ahead) yield await waiting.shift();
      }
    } catch (error) {
      // After what came before it, whoever read that ahead.
      failed = { error };
    }
    for (const scan of waiting) yield await scan;
    if (failed !== undefined) throw failed.error;
  }
}
