import { EVENT_KINDS } from '../audit/catalogue.js';

/** The kinds that a filter of the settings means; undefined is all. Throws for one that no kind matches. */
export function kindsOf(sink: string, filter: readonly string[] | undefined): readonly string[] | undefined {
  if (filter === undefined) return undefined;
  const found = new Set<string>();
  for (const wanted of filter) {
    const matching = Object.keys(EVENT_KINDS).filter((kind) =>
      wanted.endsWith('.*') ? kind.startsWith(wanted.slice(0, -1)) : kind === wanted,
    );
    // Silence would read as "nothing happened".
    if (matching.length === 0) throw new Error(`sink ${sink}: there is no event of the kind ${wanted}`);
    for (const kind of matching) found.add(kind);
  }
  return [...found].sort();
}
