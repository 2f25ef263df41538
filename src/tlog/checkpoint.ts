import { parseNote } from './note.js';

/** What a log says that it is: https://c2sp.org/tlog-checkpoint. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
  /** Further lines, in order. */
  readonly extensions: readonly string[];
}

/** The text of a checkpoint, as it is signed. */
export function checkpointText({ origin, size, root, extensions }: Checkpoint): string {
  return [origin, String(size), root.toString('base64'), ...extensions].map((line) => `${line}\n`).join('');
}

/** The checkpoint that a text is; undefined when it is none, or written in another way than {@link checkpointText}. */
export function checkpointOf(text: string): Checkpoint | undefined {
  if (!text.endsWith('\n')) return undefined;
  const [origin, size, root, ...extensions] = text.slice(0, -1).split('\n');
  if (origin === undefined || origin === '' || root === undefined) return undefined;
  if (size === undefined || !/^(0|[1-9]\d{0,15})$/.test(size)) return undefined;
  const hash = Buffer.from(root, 'base64');
  if (hash.length !== 32 || hash.toString('base64') !== root) return undefined;
  const checkpoint = { origin, size: Number(size), root: hash, extensions };
  return Number.isSafeInteger(checkpoint.size) && !extensions.includes('') ? checkpoint : undefined;
}

/** The checkpoint in a signed note, of which nothing has been verified; undefined when there is none. */
export function checkpointIn(note: string | undefined): Checkpoint | undefined {
  const parsed = note === undefined ? undefined : parseNote(note);
  return parsed && checkpointOf(parsed.text);
}
