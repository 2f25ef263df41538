import { createHash, type Hash } from 'node:crypto';
import { checkpointOf, type Checkpoint } from '../tlog/checkpoint.js';
import { CompactRange } from '../tlog/compact-range.js';
import { leafHash } from '../tlog/hash.js';
import { keyOfLine, parseNote, signersOf, type NoteKey } from '../tlog/note.js';
import { ProofCheck } from './proof-check.js';
import {
  endOf,
  entryOf,
  headerOf,
  isCanonical,
  linesOf,
  type End,
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
  readonly rootHash: string;
  readonly origin?: string;
}

/** Options of {@link verifyExport}. */
export interface VerifyOptions {
  /** What the log was like at some moment. The export must contain that moment, unchanged. */
  readonly expectedHead?: ExpectedHead;
  /** Keys of the log, `name+id+base64` each: the export has to end with a checkpoint that one of them signed. */
  readonly keys?: readonly string[];
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
  /** Hex; of the tree up to the last entry, as it was computed; null when filtered. */
  readonly rootHash: string | null;
  /** The size of the signed checkpoint that the entries were found to agree with; null without keys to verify it. */
  readonly checkpointSize: number | null;
  readonly origin: string | null;
  readonly filtered: boolean;
  /** Entries of a filtered export that were proved to be in the log of the keys; null when not filtered, or without keys. */
  readonly proved: number | null;
  readonly problems: readonly ExportProblem[];
  /** How many problems there were, also those that are not listed. */
  readonly problemCount: number;
  /** In plain words, what this answer does not prove. */
  readonly limits: readonly string[];
}

const LIMITS = {
  unsigned:
    'No signature was verified. Whoever can write a file can also compute its hashes anew; give the key of the log (--key), or compare the head with one that was noted down elsewhere, to rule that out.',
  unreached:
    'The signed checkpoint covers fewer entries than the export; those after it are as yet vouched for by nobody.',
  range: 'The export begins in the middle of the log; it says nothing about the entries before that.',
  tail: 'Entries that were added after the size that the export names are not in it.',
  offered: 'An event that was never offered to the log leaves no trace in it.',
  filtered:
    'This is a filtered export: each entry that is in it was checked, and nothing says that none is missing. A filter proves no completeness.',
  unproved:
    'It is not proved that all of its entries are those of the log: some have no proof, or no key was given (--key) to verify it with.',
} as const;

/**
 * Verifies a JSON Lines export offline, in one pass and constant memory. It needs nothing but the file.
 *
 * Of a whole export (and of a range of indexes) it finds any changed, missing, added, doubled or reordered entry, a cut
 * end, and any line that is not byte for byte what the broker writes. Of a filtered one it checks each leaf against
 * its hash, and the file against its own checksum.
 *
 * With the keys of the log it proves that the broker vouched for exactly these entries at these indexes. Without, someone
 * who rewrites a file consistently is found only by a head that was noted down before
 * ({@link VerifyOptions.expectedHead}).
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
  readonly #keys: readonly NoteKey[];
  #problemCount = 0;
  #lineNumber = 0;
  #header: Header | undefined;
  #ended = false;
  #count = 0;
  #first: number | undefined;
  #last: number | undefined;
  #range = new CompactRange();
  #expectedSeen = false;
  #claim: Checkpoint | undefined;
  #signedSize: number | undefined;
  #proved = 0;
  readonly #proofs: ProofCheck;

  constructor(options: VerifyOptions) {
    this.#expected = options.expectedHead;
    this.#maxProblems = options.maxProblems ?? 100;
    this.#keys = (options.keys ?? []).map((line) => {
      const key = keyOfLine(line);
      if (key === undefined) throw new RangeError('a key of a log is name+id+base64');
      return key;
    });
    this.#proofs = new ProofCheck(this.#keys);
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
      rootHash: filtered || this.#header === undefined ? null : this.#range.root().toString('hex'),
      checkpointSize: this.#signedSize ?? null,
      origin: this.#header?.origin ?? null,
      filtered,
      proved: filtered && this.#keys.length > 0 ? this.#proved : null,
      problems: this.#problems,
      problemCount: this.#problemCount,
      limits: this.#limits(filtered),
    };
  }

  #limits(filtered: boolean): string[] {
    if (filtered) {
      const all = this.#keys.length > 0 && this.#proved === this.#count;
      return [LIMITS.filtered, ...(all ? [] : [LIMITS.unproved, LIMITS.unsigned]), LIMITS.offered];
    }
    const compared = this.#expectedSeen && this.#expected?.size === this.#header?.size;
    const middle = (this.#header?.from_index ?? 0) > 0;
    return [
      ...(compared || this.#signedSize !== undefined ? [] : [LIMITS.unsigned]),
      ...(this.#signedSize !== undefined && this.#signedSize < (this.#header?.size ?? 0)
        ? [LIMITS.unreached]
        : []),
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
    this.#header = header;
    if (header.checkpoint !== null) this.#readCheckpoint(header.checkpoint, header);
    else if (this.#keys.length > 0) this.#found('there is no signed checkpoint to verify');
    if (header.filtered) return;
    try {
      const left = header.left.map((hash) => Buffer.from(hash, 'hex'));
      this.#range = CompactRange.of(0, header.from_index, left);
    } catch {
      this.#found('the header has other hashes than stand for the entries before it');
    }
    this.#passed(header.from_index);
  }

  #entry(members: Members | undefined): void {
    const entry = entryOf(members);
    if (entry === undefined) {
      // A line that could not even be read was already reported.
      if (members !== undefined) this.#found('the line is not an entry');
      return;
    }
    const { index, leaf, leaf_hash: hash, proof } = entry;
    this.#count += 1;
    this.#first ??= index;
    this.#checkOrder(index);
    if (leafHash(Buffer.from(leaf, 'utf8')).toString('hex') !== hash) {
      this.#found('the leaf was changed: its hash is another one', index);
    }
    if (!isCanonical(leaf)) this.#found('the leaf is not canonical JSON (RFC 8785)', index);
    if (proof !== undefined && this.#header?.filtered !== true)
      this.#found('the entry has a proof, and the export is not filtered', index);
    else if (typeof proof === 'string') this.#checkProof(proof, index, Buffer.from(hash, 'hex'));
    // What the line says and not what was computed, so that one change is named once, and where it is.
    if (this.#header?.filtered === false) {
      this.#range.append(0, Buffer.from(hash, 'hex'));
      this.#passed(this.#range.end);
    }
    this.#last = index;
  }

  #checkProof(text: string, index: number, hash: Buffer): void {
    const problem = this.#proofs.problemOf(text, { index, hash, origin: this.#header?.origin });
    if (problem === undefined) this.#proved += 1;
    else this.#found(problem, index);
  }

  #checkOrder(index: number): void {
    const header = this.#header;
    if (header === undefined) return;
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
  }

  #end(members: Members): void {
    this.#ended = true;
    const end = endOf(members);
    if (end === undefined) {
      this.#found('the last line is not the end of an export');
      return;
    }
    const { count, root_hash: rootHash, content_hash: contentHash } = end;
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
    if (rootHash !== this.#range.root().toString('hex'))
      this.#found('the entries do not have the root that the export ends with: some of them are others');
    this.#checkCheckpoint(end, header);
  }

  #readCheckpoint(text: string, header: Header): void {
    const note = parseNote(text);
    const checkpoint = note && checkpointOf(note.text);
    if (note === undefined || checkpoint === undefined) this.#found('the checkpoint cannot be read');
    else if (checkpoint.origin !== header.origin) this.#found('the checkpoint is that of another log');
    else if (checkpoint.size < header.from_index) this.#found('the checkpoint covers nothing of the export');
    else if (this.#keys.length > 0 && signersOf(note, this.#keys).length === 0) {
      this.#found('the checkpoint is signed by none of the keys');
    } else this.#claim = checkpoint;
  }

  /** What the signed checkpoint says against what the entries make. */
  #checkCheckpoint({ right }: End, header: Header): void {
    const claim = this.#claim;
    if (claim === undefined || claim.size <= header.size) {
      if (right.length > 0) this.#found('there are hashes that lead to no checkpoint');
      return;
    }
    try {
      const range = this.#range.copy();
      range.join(
        CompactRange.of(
          header.size,
          claim.size,
          right.map((hash) => Buffer.from(hash, 'hex')),
        ),
      );
      this.#compareClaim(claim, range.root());
    } catch {
      this.#found('the hashes at the end do not lead to the checkpoint');
    }
  }

  #compareClaim({ size, root }: Checkpoint, computed: Buffer): void {
    if (!root.equals(computed)) this.#found(`the entries are not those of the checkpoint at size ${size}`);
    else if (this.#keys.length > 0) this.#signedSize = size;
  }

  #passed(size: number): void {
    if (this.#claim?.size === size) this.#compareClaim(this.#claim, this.#range.root());
    if (this.#expected?.size !== size) return;
    this.#expectedSeen = true;
    if (this.#expected.rootHash !== this.#range.root().toString('hex')) {
      this.#found(`the log at size ${size} is not the one that was expected: its root is another one`);
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
