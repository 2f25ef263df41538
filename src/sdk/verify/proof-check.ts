import { signersOf, type NoteKey } from '../../tlog/note.js';
import { leadsToCheckpoint, tlogProofOf } from '../../tlog/tlog-proof.js';

/** What a proof has to be about. */
export interface ProofSubject {
  readonly index: number;
  readonly hash: Buffer;
  /** Of the log; any when undefined. */
  readonly origin?: string | undefined;
}

/** Checks proofs that entries are in a log (https://c2sp.org/tlog-proof). */
export class ProofCheck {
  /** The checkpoint whose signature was verified last: the proofs of one export have the same. */
  #known: string | undefined;

  /** Without keys, only that the proof leads to the checkpoint that it names. */
  constructor(private readonly keys: readonly NoteKey[]) {}

  /** Undefined when the proof holds; otherwise what is wrong with it, in plain words. */
  problemOf(text: string, { index, hash, origin }: ProofSubject): string | undefined {
    const proof = tlogProofOf(text);
    if (proof === undefined) return 'the proof cannot be read';
    if (proof.index !== index) return `the proof is that of entry ${proof.index}`;
    const { checkpoint, note } = proof;
    if (origin !== undefined && checkpoint.origin !== origin)
      return 'the proof leads to a checkpoint of another log';
    if (this.keys.length > 0 && this.#known !== note.text) {
      if (signersOf(note, this.keys).length === 0)
        return 'the checkpoint that the proof leads to is signed by none of the keys';
      this.#known = note.text;
    }
    return leadsToCheckpoint(proof, hash)
      ? undefined
      : `the proof does not lead from this leaf to the checkpoint at size ${checkpoint.size}`;
  }
}
