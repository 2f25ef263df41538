import { checkpointOf, type Checkpoint } from '../../tlog/checkpoint.js';
import { CompactRange, subtreesOf } from '../../tlog/compact-range.js';
import { HASH_BYTES } from '../../tlog/hash.js';
import { parseNote, signersOf, type NoteKey } from '../../tlog/note.js';
import type { End, Header } from './export-lines.js';
import type { ExpectedHead } from './export-verification.js';
import type { Problems } from './problems.js';

/** The tree over the entries as they come, and whoever claims to know its root at some size: a checkpoint, or a kept head. */
export class TreeClaims {
  #range = new CompactRange();
  #expectedSeen = false;
  #claim: Checkpoint | undefined;
  #signedSize: number | undefined;

  constructor(
    private readonly problems: Problems,
    private readonly keys: readonly NoteKey[],
    private readonly expected: ExpectedHead | undefined,
  ) {}

  /** The size up to which the entries agree with a checkpoint that one of the keys signed. */
  get signedSize(): number | undefined {
    return this.#signedSize;
  }

  /** Whether the end of the export is the head that was kept. */
  isCompared(header: Header | undefined): boolean {
    return this.#expectedSeen && this.expected?.size === header?.size;
  }

  get rootHash(): string {
    return this.#range.root().toString('hex');
  }

  /** Entries in the tree, with those before the export. */
  get size(): number {
    return this.#range.end;
  }

  begin(header: Header): void {
    if (header.checkpoint !== null) this.#readCheckpoint(header.checkpoint, header);
    else if (this.keys.length > 0) this.problems.found('there is no signed checkpoint to verify');
    if (header.filtered) return;
    try {
      this.#range = CompactRange.of(0, header.from_index, hashesOf(header.left));
    } catch {
      this.problems.found('the header has other hashes than stand for the entries before it');
    }
    this.#passed(header.from_index);
  }

  append(hash: Buffer): void {
    this.#range.append(0, hash);
    this.#passed(this.#range.end);
  }

  /** Adds the hashes of entries, each of a line; `nodes` are those of the subtrees over them, if made for this place. */
  appendLines(hashes: Buffer, nodes: readonly Buffer[] | undefined): void {
    const begin = this.#range.end;
    const end = begin + hashes.length / HASH_BYTES;
    if (nodes === undefined || this.#isWatched(begin, end)) {
      for (let at = 0; at < hashes.length; at += HASH_BYTES) {
        this.problems.line += 1;
        this.append(Buffer.from(hashes.subarray(at, at + HASH_BYTES)));
      }
      return;
    }
    this.problems.line += end - begin;
    subtreesOf(begin, end).forEach(({ level }, at) => this.#range.append(level, nodes[at] as Buffer));
    this.#passed(end);
  }

  end({ root_hash: rootHash, right }: End, header: Header): void {
    if (rootHash !== this.rootHash)
      this.problems.found(
        'the entries do not have the root that the export ends with: some of them are others',
      );
    const claim = this.#claim;
    if (claim === undefined || claim.size <= header.size) {
      if (right.length > 0) this.problems.found('there are hashes that lead to no checkpoint');
      return;
    }
    try {
      const range = this.#range.copy();
      range.join(CompactRange.of(header.size, claim.size, hashesOf(right)));
      this.#compareClaim(claim, range.root());
    } catch {
      this.problems.found('the hashes at the end do not lead to the checkpoint');
    }
  }

  /** What only the end of the file shows of the head that was kept. */
  finish(header: Header): void {
    const { expected, problems } = this;
    if (expected === undefined) return;
    if (expected.origin !== undefined && expected.origin !== header.origin)
      problems.found('the export is of another log than the one that was expected', undefined, 1);
    if (header.filtered) problems.found('a filtered export cannot be compared with a head', undefined, 0);
    else if (header.size < expected.size)
      problems.found(`the log has ${header.size} entries, and ${expected.size} were expected`, undefined, 1);
    else if (!this.#expectedSeen)
      problems.found(`the export does not pass the expected size ${expected.size}`, undefined, 0);
  }

  /** Whether somebody claims to know the root at a size between these. */
  #isWatched(begin: number, end: number): boolean {
    return [this.#claim?.size, this.expected?.size].some(
      (size) => size !== undefined && size > begin && size < end,
    );
  }

  #readCheckpoint(text: string, header: Header): void {
    const note = parseNote(text);
    const checkpoint = note && checkpointOf(note.text);
    if (note === undefined || checkpoint === undefined) this.problems.found('the checkpoint cannot be read');
    else if (checkpoint.origin !== header.origin)
      this.problems.found('the checkpoint is that of another log');
    else if (checkpoint.size < header.from_index)
      this.problems.found('the checkpoint covers nothing of the export');
    else if (this.keys.length > 0 && signersOf(note, this.keys).length === 0) {
      this.problems.found('the checkpoint is signed by none of the keys');
    } else this.#claim = checkpoint;
  }

  #compareClaim({ size, root }: Checkpoint, computed: Buffer): void {
    if (!root.equals(computed))
      this.problems.found(`the entries are not those of the checkpoint at size ${size}`);
    else if (this.keys.length > 0) this.#signedSize = size;
  }

  #passed(size: number): void {
    if (this.#claim?.size === size) this.#compareClaim(this.#claim, this.#range.root());
    if (this.expected?.size !== size) return;
    this.#expectedSeen = true;
    if (this.expected.rootHash !== this.rootHash) {
      this.problems.found(
        `the log at size ${size} is not the one that was expected: its root is another one`,
      );
    }
  }
}

function hashesOf(hex: readonly string[]): Buffer[] {
  return hex.map((hash) => Buffer.from(hash, 'hex'));
}
