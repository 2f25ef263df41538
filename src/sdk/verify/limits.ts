import type { Header } from './export-lines.js';

/** What an answer does not prove, in plain words. */
export const LIMITS = {
  unsigned:
    'No signature was verified. Whoever can write a file can also compute its hashes anew; give the key of the log (--key), or compare the head with one that was noted down elsewhere, to rule that out.',
  unreached:
    'The signed checkpoint covers fewer entries than the export; those after it are as yet vouched for by nobody.',
  range: 'The export begins in the middle of the log; it says nothing about the entries before that.',
  part: 'Of the entries that are not in it the hashes were checked, and nothing here tells what they say.',
  retained:
    'Of the entries that are in no file of the archive the hashes were checked, and nothing here tells what they say; their class may have another archive, or have been dropped.',
  asideCheckpoint:
    'The file `checkpoint` was verified by itself; nothing here leads to the size that it is of, so that it was not compared with the entries.',
  tail: 'Entries that were added after the size that the export names are not in it.',
  offered: 'An event that was never offered to the log leaves no trace in it.',
  filtered:
    'This is a filtered export: each entry that is in it was checked, and nothing says that none is missing. A filter proves no completeness.',
  unproved:
    'It is not proved that all of its entries are those of the log: some have no proof, or no key was given (--key) to verify it with.',
} as const;

/** What was found out about an export, as far as it decides what is left open. */
export interface Findings {
  readonly header: Header | undefined;
  readonly signedSize: number | undefined;
  /** Its end is a head that was kept elsewhere. */
  readonly compared: boolean;
  /** Of a filtered one: each entry has a proof that leads to a checkpoint of the keys. */
  readonly allProved: boolean;
}

/** What the verification of an export leaves open. */
export function limitsOf({ header, signedSize, compared, allProved }: Findings): string[] {
  if (header?.filtered === true)
    return [LIMITS.filtered, ...(allProved ? [] : [LIMITS.unproved, LIMITS.unsigned]), LIMITS.offered];
  return [
    ...(compared || signedSize !== undefined ? [] : [LIMITS.unsigned]),
    ...(signedSize !== undefined && signedSize < (header?.size ?? 0) ? [LIMITS.unreached] : []),
    ...((header?.from_index ?? 0) > 0 ? [LIMITS.range] : []),
    LIMITS.tail,
    LIMITS.offered,
  ];
}
