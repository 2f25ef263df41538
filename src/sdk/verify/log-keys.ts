import { keyOfLine, type NoteKey } from '../../tlog/note.js';
import type { VerifyOptions } from './export-verification.js';

/** The keys that verify. Throws a `RangeError` for a line that is none. */
export function keysOf({ keys = [] }: VerifyOptions): readonly NoteKey[] {
  return keys.map((line) => {
    const key = keyOfLine(line);
    if (key === undefined) throw new RangeError('a key of a log is name+id+base64');
    return key;
  });
}
