import type { ExportedEntry } from './export-format.js';

/** An entry that was promised is not there any more: archived meanwhile, or taken out of the database. */
export class EntriesGone extends Error {
  override readonly name = 'EntriesGone';
  readonly code = 'entries_gone';

  constructor(readonly index: number) {
    super(`entry ${index} is not in the database`);
  }
}

/** Says which of the entries `[from, to)` is missing first; undefined where all are there, in order. */
export function firstMissing(
  entries: readonly Pick<ExportedEntry, 'index'>[],
  from: number,
  to: number,
): EntriesGone | undefined {
  for (let next = from; next < to; next += 1) {
    if (entries[next - from]?.index !== next) return new EntriesGone(next);
  }
  return undefined;
}
