import { createHash, type Hash } from 'node:crypto';
import {
  endOf,
  entryOf,
  headerOf,
  isCanonical,
  linesOf,
  sha256,
  type Header,
  type Line,
  type Members,
} from './export-file.js';

/** Something in an export that is not as it was written. */
export interface ExportProblem {
  /** From 1, as editors count; 0 for what concerns the file as a whole. */
  readonly line: number;
  /** The index in the log, where the line says one. */
  readonly index?: number;
  readonly problem: string;
}

/** A head of the log that was noted down elsewhere, for example from `GET /v1/audit/events/head`. */
export interface ExpectedHead {
  readonly size: number;
  /** Hex. */
  readonly chainHash: string;
  readonly origin?: string;
}

/** Options of {@link verifyExport}. */
export interface VerifyOptions {
  /** What the log was like at some moment. The export must contain that moment, unchanged. */
  readonly expectedHead?: ExpectedHead;
  /** Problems that are listed; the rest is counted. 100 unless told. */
  readonly maxProblems?: number;
}

/** What {@link verifyExport} found. */
export interface ExportVerification {
  /** No problem was found. What that proves, and what not, is in {@link limits}. */
  readonly ok: boolean;
  /** Entries that were read. */
  readonly count: number;
  readonly firstIndex: number | null;
  readonly lastIndex: number | null;
  /** Hex; after the last entry of an export that leaves nothing out, as it was computed; null when filtered. */
  readonly chainHash: string | null;
  readonly origin: string | null;
  readonly filtered: boolean;
  readonly problems: readonly ExportProblem[];
  /** How many problems there were, also those that are not listed. */
  readonly problemCount: number;
  /** In plain words, what this answer does not prove. */
  readonly limits: readonly string[];
}

const LIMITS = {
  unsigned:
    'The file is not signed. Whoever can write a file can also compute its hashes anew from the first change on; compare the head with one that was noted down elsewhere to rule that out.',
  range: 'The export begins in the middle of the log; it says nothing about the entries before that.',
  tail: 'Entries that were added after the size that the export names are not in it.',
  offered: 'An event that was never offered to the log leaves no trace in it.',
  filtered:
    'This is a filtered export: each entry that is in it was checked, and nothing says that none is missing. A filter proves no completeness. Its entries are not chained to each other either.',
} as const;

/**
 * Verifies a JSON Lines export offline, in one pass and constant memory. It needs nothing but the file.
 *
 * Of a whole export (and of a range of indexes) it finds any changed, missing, added, doubled or reordered entry, a cut
 * end, and any line that is not byte for byte what the broker writes. Of a filtered one it checks each leaf against
 * its hash, and the file against its own checksum.
 *
 * What it cannot prove until the log has signed checkpoints: that the file comes from the broker at all. Someone who
 * rewrites a log or a file consistently, every hash from the change on, is found only by a head that was noted down
 * before ({@link VerifyOptions.expectedHead}).
 *
 * Rejects only when the stream does; a bad file is an answer and not an error.
 *
 * @example
 * const { ok, problems } = await verifyExport(createReadStream('audit.jsonl'));
 */
export async function verifyExport(
  stream: AsyncIterable<Uint8Array | string>,
  options: VerifyOptions = {},
): Promise<ExportVerification> {
  const check = new ExportCheck(options);
  for await (const line of linesOf(stream)) check.line(line);
  return check.finish();
}

class ExportCheck {
  readonly #problems: ExportProblem[] = [];
  readonly #content: Hash = createHash('sha256');
  readonly #expected: ExpectedHead | undefined;
  readonly #maxProblems: number;
  #problemCount = 0;
  #lineNumber = 0;
  #header: Header | undefined;
  #ended = false;
  #count = 0;
  #first: number | undefined;
  #last: number | undefined;
  #chain = '';
  #expectedSeen = false;

  constructor(options: VerifyOptions) {
    this.#expected = options.expectedHead;
    this.#maxProblems = options.maxProblems ?? 100;
  }

  line(line: Line): void {
    this.#lineNumber += 1;
    if (!line.ended) this.#found('the line does not end; the file was cut off');
    const members = this.#members(line);
    if (this.#ended) this.#found('there is something after the last line of the export');
    else if (this.#lineNumber === 1) this.#begin(members);
    else if (members !== undefined && 'count' in members) this.#end(members);
    else this.#entry(members);
    this.#content.update(line.bytes).update(line.ended ? '\n' : '');
  }

  finish(): ExportVerification {
    if (this.#lineNumber === 0) this.#found('the file is empty', undefined, 0);
    else if (!this.#ended) this.#found('the last line is missing: the export was cut off', undefined, 0);
    this.#compareExpected();
    const filtered = this.#header?.filtered ?? false;
    return {
      ok: this.#problemCount === 0,
      count: this.#count,
      firstIndex: this.#first ?? null,
      lastIndex: this.#last ?? null,
      chainHash: filtered || this.#header === undefined ? null : this.#chain,
      origin: this.#header?.origin ?? null,
      filtered,
      problems: this.#problems,
      problemCount: this.#problemCount,
      limits: this.#limits(filtered),
    };
  }

  #limits(filtered: boolean): string[] {
    if (filtered) return [LIMITS.filtered, LIMITS.unsigned, LIMITS.offered];
    const compared = this.#expectedSeen && this.#expected?.size === this.#header?.size;
    const middle = (this.#header?.from_index ?? 0) > 0;
    return [
      ...(compared ? [] : [LIMITS.unsigned]),
      ...(middle ? [LIMITS.range] : []),
      LIMITS.tail,
      LIMITS.offered,
    ];
  }

  #begin(members: Members | undefined): void {
    const header = headerOf(members);
    if (header === undefined) {
      this.#found('the first line is not the header of an export that this version can read');
      return;
    }
    if (header.from_index > header.size) this.#found('the header begins after the end that it names');
    if (header.from_index === 0 && header.chain_hash_before !== '0'.repeat(64)) {
      this.#found('the header begins the log with a chain hash other than its start');
    }
    this.#header = header;
    this.#chain = header.chain_hash_before;
    this.#meetExpected(header.from_index, this.#chain);
  }

  #entry(members: Members | undefined): void {
    const entry = entryOf(members);
    if (entry === undefined) {
      // A line that could not even be read was already reported.
      if (members !== undefined) this.#found('the line is not an entry');
      return;
    }
    const { index, leaf, leaf_hash: leafHash, chain_hash: chainHash } = entry;
    this.#count += 1;
    this.#first ??= index;
    const follows = this.#checkOrder(index);
    if (sha256(Buffer.of(0), Buffer.from(leaf, 'utf8')) !== leafHash) {
      this.#found('the leaf was changed: its hash is another one', index);
    }
    if (!isCanonical(leaf)) this.#found('the leaf is not canonical JSON (RFC 8785)', index);
    if (this.#header?.filtered === false) this.#link(index, leafHash, chainHash, follows);
    this.#last = index;
  }

  /** Whether the entry is the one that has to come next. */
  #checkOrder(index: number): boolean {
    const header = this.#header;
    if (header === undefined) return false;
    const next = this.#last === undefined ? header.from_index : this.#last + 1;
    if (index >= header.size)
      this.#found(`the entry is beyond the size ${header.size} that the header names`, index);
    if (index < next) this.#found(misplaced(index, this.#last), index);
    else if (index > next && !header.filtered) {
      this.#found(
        index === next + 1 ? `entry ${next} is missing` : `entries ${next} to ${index - 1} are missing`,
        index,
      );
    }
    return index === next;
  }

  // Goes on from what the line says, so that one change is named once, and where it is.
  #link(index: number, leafHash: string, chainHash: string, follows: boolean): void {
    const before = Buffer.from(this.#chain, 'hex');
    const computed = sha256(Buffer.of(2), before, Buffer.from(leafHash, 'hex'));
    if (follows && computed !== chainHash) {
      this.#found('the chain is broken: this entry does not continue the one before it', index);
    }
    this.#chain = chainHash;
    this.#meetExpected(index + 1, chainHash);
  }

  #end(members: Members): void {
    this.#ended = true;
    const end = endOf(members);
    if (end === undefined) {
      this.#found('the last line is not the end of an export');
      return;
    }
    const { count, chain_hash: chainHash, content_hash: contentHash } = end;
    if (count !== this.#count)
      this.#found(`the export ends with ${count} entries, and there are ${this.#count}`);
    if (contentHash !== this.#content.copy().digest('hex')) {
      this.#found('the checksum of the file is another one: some line before this one was changed');
    }
    const header = this.#header;
    if (header === undefined || header.filtered) return;
    const covered = header.size - header.from_index;
    if (count !== covered)
      this.#found(`the header promises ${covered} entries, and the export ends with ${count}`);
    if (chainHash !== this.#chain) this.#found('the chain ends with another hash than the export names');
  }

  #meetExpected(size: number, chainHash: string): void {
    if (this.#expected?.size !== size) return;
    this.#expectedSeen = true;
    if (this.#expected.chainHash !== chainHash) {
      this.#found(`the log at size ${size} is not the one that was expected: its chain hash is another one`);
    }
  }

  #compareExpected(): void {
    const expected = this.#expected;
    const header = this.#header;
    if (expected === undefined || header === undefined) return;
    if (expected.origin !== undefined && expected.origin !== header.origin) {
      this.#found('the export is of another log than the one that was expected', undefined, 1);
    }
    if (header.filtered) this.#found('a filtered export cannot be compared with a head', undefined, 0);
    else if (header.size < expected.size) {
      this.#found(`the log has ${header.size} entries, and ${expected.size} were expected`, undefined, 1);
    } else if (!this.#expectedSeen) {
      this.#found(`the export does not pass the expected size ${expected.size}`, undefined, 0);
    }
  }

  #members(line: Line): Members | undefined {
    if (line.text === undefined) {
      this.#found('the line is no text (UTF-8), or longer than a line of an export can be');
      return undefined;
    }
    let value: unknown;
    try {
      value = JSON.parse(line.text);
    } catch {
      this.#found('the line is not JSON');
      return undefined;
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.#found('the line is not a JSON object');
      return undefined;
    }
    if (JSON.stringify(value) !== line.text) this.#found('the line is not written as an export writes it');
    return value as Members;
  }

  #found(problem: string, index?: number, line = this.#lineNumber): void {
    this.#problemCount += 1;
    if (this.#problems.length < this.#maxProblems) {
      this.#problems.push(index === undefined ? { line, problem } : { line, index, problem });
    }
  }
}

function misplaced(index: number, last: number | undefined): string {
  if (last === undefined) return 'the entry is before the index that the header begins with';
  return index === last
    ? 'the entry stands here twice'
    : `the entry is out of order: ${last} stands before it`;
}
