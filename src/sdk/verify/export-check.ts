import { createHash, type Hash } from 'node:crypto';
import { HASH_BYTES } from '../../tlog/hash.js';
import type { NoteKey } from '../../tlog/note.js';
import type { BlockScan } from './block-scan.js';
import type { Block } from './blocks.js';
import { checkEntry } from './entry-check.js';
import { checkOrder, isNext } from './entry-order.js';
import {
  endOf,
  entryOf,
  headerOf,
  lineOf,
  type End,
  type Header,
  type Line,
  type Members,
} from './export-lines.js';
import type { ExportVerification, VerifyOptions } from './export-verification.js';
import { limitsOf } from './limits.js';
import { keysOf } from './log-keys.js';
import { membersOf } from './line-value.js';
import { Problems } from './problems.js';
import { ProofCheck } from './proof-check.js';
import { TreeClaims } from './tree-claims.js';

const LINE_FEED = 0x0a;

/** Checks an export line by line in the order of the file, or many lines at once where a scan found nothing wrong. */
export class ExportCheck {
  readonly keys: readonly NoteKey[];
  readonly #problems: Problems;
  readonly #content: Hash = createHash('sha256');
  readonly #tree: TreeClaims;
  readonly #proofs: ProofCheck;
  #header: Header | undefined;
  #ended = false;
  #count = 0;
  #first: number | undefined;
  #last: number | undefined;
  #proved = 0;

  constructor(options: VerifyOptions) {
    this.keys = keysOf(options);
    this.#problems = new Problems(options.maxProblems);
    this.#tree = new TreeClaims(this.#problems, this.keys, options.expectedHead);
    this.#proofs = new ProofCheck(this.keys);
  }

  /** Undefined before the first line, and where that is none. */
  get header(): Header | undefined {
    return this.#header;
  }

  /** Entries that there should be; undefined where that is not known. */
  get total(): number | undefined {
    return this.#header?.filtered === false ? this.#header.size - this.#header.from_index : undefined;
  }

  /** Entries so far. */
  get count(): number {
    return this.#count;
  }

  /** The first line of the first block; answers where the next one begins. */
  firstLine(block: Block): number {
    const end = block.bytes.indexOf(LINE_FEED);
    this.#lines(block, 0, end === -1 ? block.bytes.length : end + 1);
    return end === -1 ? block.bytes.length : end + 1;
  }

  /** The lines of a block from `begin` on, of which a scan found the first ones to be right in themselves. */
  block(block: Block, begin: number, scan: BlockScan | undefined): void {
    let at = begin;
    const header = this.#header;
    if (scan !== undefined && header !== undefined && this.#isUseful(scan, header)) {
      let skipped = 0;
      if (!isNext(scan.first, this.#last, header)) {
        // Says what stands between; the others follow it without a gap, whatever was before.
        at = block.bytes.indexOf(LINE_FEED, begin) + 1;
        this.#lines(block, begin, at);
        skipped = 1;
      }
      this.#take(scan, skipped, header);
      this.#content.update(block.bytes.subarray(at, scan.end));
      at = scan.end;
    }
    this.#lines(block, at, block.bytes.length);
  }

  finish(): ExportVerification {
    const problems = this.#problems;
    if (problems.line === 0) problems.found('the file is empty', undefined, 0);
    else if (!this.#ended) problems.found('the last line is missing: the export was cut off', undefined, 0);
    if (this.#header !== undefined) this.#tree.finish(this.#header);
    const filtered = this.#header?.filtered ?? false;
    return {
      ok: problems.count === 0,
      count: this.#count,
      firstIndex: this.#first ?? null,
      lastIndex: this.#last ?? null,
      rootHash: filtered || this.#header === undefined ? null : this.#tree.rootHash,
      checkpointSize: this.#tree.signedSize ?? null,
      origin: this.#header?.origin ?? null,
      filtered,
      proved: filtered && this.keys.length > 0 ? this.#proved : null,
      problems: problems.listed,
      problemCount: problems.count,
      limits: limitsOf({
        header: this.#header,
        signedSize: this.#tree.signedSize,
        compared: this.#tree.isCompared(this.#header),
        allProved: this.keys.length > 0 && this.#proved === this.#count,
      }),
    };
  }

  #isUseful(scan: BlockScan, header: Header): boolean {
    if (this.#ended || scan.count === 0 || scan.last >= header.size) return false;
    return !header.filtered || isNext(scan.first, this.#last, header);
  }

  #take(scan: BlockScan, skipped: number, header: Header): void {
    const taken = scan.count - skipped;
    if (taken === 0) return;
    this.#count += taken;
    this.#first ??= scan.first;
    this.#last = scan.last;
    if (header.filtered) {
      this.#problems.line += taken;
      this.#proved += scan.proved;
      return;
    }
    const atItsPlace = skipped === 0 && this.#tree.size === scan.first;
    this.#tree.appendLines(scan.hashes.subarray(skipped * HASH_BYTES), atItsPlace ? scan.nodes : undefined);
  }

  #lines({ bytes, overlong, ended }: Block, from: number, to: number): void {
    if (overlong) this.#line({ bytes, text: undefined, ended });
    for (let at = from; at < to;) {
      const feed = bytes.indexOf(LINE_FEED, at);
      const end = feed === -1 ? to : feed;
      this.#line(lineOf(bytes.subarray(at, end), feed !== -1));
      at = end + 1;
    }
  }

  #line(line: Line): void {
    const problems = this.#problems;
    problems.line += 1;
    if (!line.ended) problems.found('the line does not end; the file was cut off');
    const members = membersOf(line, (problem) => problems.found(problem));
    if (this.#ended) problems.found('there is something after the last line of the export');
    else if (problems.line === 1) this.#begin(members);
    else if (members !== undefined && 'count' in members) this.#end(members);
    else this.#entry(members);
    this.#content.update(line.bytes).update(line.ended ? '\n' : '');
  }

  #begin(members: Members | undefined): void {
    const header = headerOf(members);
    if (header === undefined) {
      this.#problems.found('the first line is not the header of an export that this version can read');
      return;
    }
    if (header.from_index > header.size)
      this.#problems.found('the header begins after the end that it names');
    this.#header = header;
    this.#tree.begin(header);
  }

  #entry(members: Members | undefined): void {
    const entry = entryOf(members);
    if (entry === undefined) {
      // A line that could not even be read was already reported.
      if (members !== undefined) this.#problems.found('the line is not an entry');
      return;
    }
    const { index } = entry;
    this.#count += 1;
    this.#first ??= index;
    const found = (problem: string): void => this.#problems.found(problem, index);
    if (this.#header !== undefined) checkOrder(index, this.#last, this.#header, found);
    if (checkEntry(entry, this.#header, this.#proofs, found)) this.#proved += 1;
    // What the line says and not what was computed, so that one change is named once, and where it is.
    if (this.#header?.filtered === false) this.#tree.append(Buffer.from(entry.leaf_hash, 'hex'));
    this.#last = index;
  }

  #end(members: Members): void {
    this.#ended = true;
    const problems = this.#problems;
    const end = endOf(members);
    if (end === undefined) {
      problems.found('the last line is not the end of an export');
      return;
    }
    const { count, content_hash: contentHash } = end;
    if (count !== this.#count)
      problems.found(`the export ends with ${count} entries, and there are ${this.#count}`);
    if (contentHash !== this.#content.copy().digest('hex'))
      problems.found('the checksum of the file is another one: some line before this one was changed');
    const header = this.#header;
    if (header !== undefined && !header.filtered) this.#endOfRange(end, header);
  }

  #endOfRange(end: End, header: Header): void {
    const covered = header.size - header.from_index;
    if (end.count !== covered)
      this.#problems.found(`the header promises ${covered} entries, and the export ends with ${end.count}`);
    this.#tree.end(end, header);
  }
}
