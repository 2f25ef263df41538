import { HASH_BYTES } from '../../tlog/hash.js';
import { LeafCheck } from './leaf-check.js';

const LINE_FEED = 0x0a;

/** Whole lines of a file of archived entries. */
export interface ArchiveTask {
  /** Of memory that both threads have. */
  readonly bytes: Uint8Array;
  /** The part is `[from, to)`. */
  readonly from: number;
  readonly to: number;
  readonly maxProblems: number | undefined;
}

/** Something wrong with a line; of one that is no entry there is no `problem` to say. */
export interface ArchiveFinding {
  /** From 1, in the block. */
  readonly line: number;
  readonly index?: number;
  readonly problem?: string;
}

/** What was found in a block. */
export interface ArchiveScan {
  readonly lines: number;
  /** Lines that are entries. */
  readonly count: number;
  /** Indexes of the entries that belong to the part, as they stand in the file, and their hashes, one after another. */
  readonly indexes: Float64Array;
  readonly hashes: Uint8Array;
  /** What is wrong with some of these by themselves, by their place in `indexes`. */
  readonly odd: ReadonlyMap<number, string>;
  readonly found: readonly ArchiveFinding[];
  readonly foundCount: number;
}

/** Reads archived entries and hashes them. */
export class ArchiveScanner {
  readonly #leaf = new LeafCheck();

  scan({ bytes, from, to, maxProblems = 100 }: ArchiveTask): ArchiveScan {
    const block = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const indexes: number[] = [];
    const hashes: Buffer[] = [];
    const odd = new Map<number, string>();
    const found: ArchiveFinding[] = [];
    let [lines, count, foundCount] = [0, 0, 0];
    const say = (finding: ArchiveFinding): void => {
      foundCount += 1;
      if (found.length < maxProblems) found.push(finding);
    };
    for (let at = 0; at < block.length;) {
      const feed = block.indexOf(LINE_FEED, at);
      const end = feed === -1 ? block.length : feed;
      const entry = entryOf(block.toString('utf8', at, end));
      at = end + 1;
      lines += 1;
      if (entry === undefined) {
        say({ line: lines });
        continue;
      }
      count += 1;
      const { index, leaf } = entry;
      if (index < from || index >= to) {
        say({ line: lines, index, problem: `the entry is outside the part ${from} to ${to - 1}` });
        continue;
      }
      const { hash, problem } = this.#leaf.look(Buffer.from(leaf, 'utf8'));
      if (problem !== undefined) odd.set(indexes.length, problem);
      indexes.push(index);
      hashes.push(Buffer.from(hash));
    }
    const all = Buffer.concat(hashes, hashes.length * HASH_BYTES);
    return { lines, count, indexes: Float64Array.from(indexes), hashes: all, odd, found, foundCount };
  }
}

function entryOf(text: string): { index: number; leaf: string } | undefined {
  try {
    const { index, leaf } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    return typeof leaf === 'string' && Number.isSafeInteger(index)
      ? { index: index as number, leaf }
      : undefined;
  } catch {
    return undefined;
  }
}
