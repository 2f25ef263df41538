import { isUtf8 } from 'node:buffer';
import { HASH_BYTES } from '../../tlog/hash.js';
import { subtreeHashes } from '../../tlog/leaf-run.js';
import type { NoteKey } from '../../tlog/note.js';
import { checkEntry } from './entry-check.js';
import { entryOf, lineOf, type Header } from './export-lines.js';
import { membersOf } from './line-value.js';
import { PlainLine } from './plain-line.js';
import { ProofCheck } from './proof-check.js';

const LINE_FEED = 0x0a;
/** The shortest line of an entry is longer. */
const MIN_LINE_BYTES = 96;

/** What a scan has to know of the header. */
export type ScanHeader = Pick<Header, 'filtered' | 'origin'>;

/** The entries that a block begins with, in which nothing is wrong; what follows them has to be looked at line by line. */
export interface BlockScan {
  readonly count: number;
  /** Of the first and the last of them. In an export that is not filtered, all between them are there. */
  readonly first: number;
  readonly last: number;
  /** Where the line behind them begins. */
  readonly end: number;
  /** Their hashes, one after another. Empty when filtered. */
  readonly hashes: Buffer;
  /** Of the subtrees over them, as `CompactRange.of(first, …)` takes them. Empty when filtered. */
  readonly nodes: readonly Buffer[];
  /** How many of them a proof leads to the log. */
  readonly proved: number;
}

/** Looks through blocks for what is right for certain; keeps nothing from one block to the next but memory. */
export class BlockScanner {
  readonly #line = new PlainLine();
  readonly #proofs: ProofCheck;

  constructor(keys: readonly NoteKey[]) {
    this.#proofs = new ProofCheck(keys);
  }

  /** Scans the lines from `begin` on. */
  scan(bytes: Buffer, begin: number, { filtered, origin }: ScanHeader): BlockScan {
    const hashes = Buffer.allocUnsafe(
      filtered ? 0 : Math.ceil((bytes.length - begin) / MIN_LINE_BYTES) * HASH_BYTES,
    );
    let [count, first, last, proved, at] = [0, -1, -1, 0, begin];
    for (let end = isUtf8(bytes) ? bytes.indexOf(LINE_FEED, at) : -1; end !== -1;) {
      const plain = this.#line.reads(bytes, at, end);
      if (!plain && !filtered) break;
      const entry = plain ? this.#line : this.#entry(bytes.subarray(at, end), { filtered, origin });
      if (entry === undefined || (count > 0 && !(filtered ? entry.index > last : entry.index === last + 1)))
        break;
      if (!filtered) hashes.write(this.#line.hash, count * HASH_BYTES, 'hex');
      if ('proved' in entry && entry.proved) proved += 1;
      if (count === 0) first = entry.index;
      last = entry.index;
      count += 1;
      at = end + 1;
      end = bytes.indexOf(LINE_FEED, at);
    }
    const found = hashes.subarray(0, filtered ? 0 : count * HASH_BYTES);
    const nodes = filtered ? [] : subtreeHashes(first, Buffer.from(found));
    return { count, first, last, end: at, hashes: found, nodes, proved };
  }

  /** An entry of a filtered export, with its proof; undefined when anything is wrong with it. */
  #entry(bytes: Buffer, header: ScanHeader): { index: number; proved: boolean } | undefined {
    let right = true;
    const found = (): void => void (right = false);
    const entry = entryOf(membersOf(lineOf(bytes, true), found));
    if (entry === undefined) return undefined;
    const proved = checkEntry(entry, header, this.#proofs, found);
    return right ? { index: entry.index, proved } : undefined;
  }
}
