import { checkpointOf, type Checkpoint } from './checkpoint.js';
import { provesInclusion } from './proof.js';
import { parseNote, type Note } from './note.js';

const FIRST_LINE = 'c2sp.org/tlog-proof@v1';
const MAX_HASHES = 64;

/** A proof that an entry is in a log, https://c2sp.org/tlog-proof; nothing of it has been verified. */
export interface TlogProof {
  readonly index: number;
  /** Lowest first. */
  readonly hashes: readonly Buffer[];
  readonly note: Note;
  readonly checkpoint: Checkpoint;
}

/** The text of a proof; `note` is the signed checkpoint of the tree that the hashes lead to. */
export function tlogProofText(index: number, hashes: readonly Buffer[], note: string): string {
  const lines = [FIRST_LINE, `index ${index}`, ...hashes.map((hash) => hash.toString('base64'))];
  return `${lines.join('\n')}\n\n${note}`;
}

/** The proof that a text is; undefined when it is none. Extra data is passed over: nothing vouches for it. */
export function tlogProofOf(text: string): TlogProof | undefined {
  const split = text.indexOf('\n\n');
  const lines = text.slice(0, split).split('\n');
  if (split < 0 || lines.shift() !== FIRST_LINE) return undefined;
  if (lines[0]?.startsWith('extra ') === true) lines.shift();
  const [, index] = /^index (0|[1-9]\d{0,15})$/.exec(lines.shift() ?? '') ?? [];
  if (index === undefined || lines.length > MAX_HASHES) return undefined;
  const hashes = lines.map((line) => Buffer.from(line, 'base64'));
  if (!hashes.every((hash, at) => hash.length === 32 && hash.toString('base64') === lines[at]))
    return undefined;
  const note = parseNote(text.slice(split + 2));
  const checkpoint = note && checkpointOf(note.text);
  return note && checkpoint && { index: Number(index), hashes, note, checkpoint };
}

/** Whether the hashes lead from the leaf to the root of the checkpoint. Whose checkpoint that is, is another question. */
export function leadsToCheckpoint({ index, hashes, checkpoint }: TlogProof, leafHash: Buffer): boolean {
  return provesInclusion(leafHash, index, checkpoint.size, hashes, checkpoint.root);
}
