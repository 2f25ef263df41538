/** The time within which a row's credential was made in Vault, in milliseconds since the epoch. */
export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Something found that no row names; `atMs` is when it was made, undefined where it does not tell. */
export interface FoundAt<T> {
  readonly thing: T;
  readonly atMs: number | undefined;
}

/** What can be said of things that no row names, when some rows do not know the name of theirs. */
export interface Explained<T> {
  /** No row can be about it: it was made when none of them was under way. */
  readonly unexplained: readonly T[];
  /** Each may belong to a row, but there are more of them than rows: so many are too many, and not known which. */
  readonly ambiguous: readonly T[];
  readonly excess: number;
}

/**
 * Gives each row that does not know the name of its credential (wrapped, or still being issued) at most one of the
 * things found, by the time at which both came to be. As many as possible are given away, so that nothing is called
 * too many while there is a way to explain it.
 */
export function explain<T>(found: readonly FoundAt<T>[], windows: readonly Window[]): Explained<T> {
  const timed = found
    .flatMap(({ thing, atMs }) => (atMs === undefined ? [] : [{ thing, atMs }]))
    .sort((a, b) => a.atMs - b.atMs);
  const untold = found.flatMap(({ thing, atMs }) => (atMs === undefined ? [thing] : []));
  const byStart = [...windows].sort((a, b) => a.fromMs - b.fromMs);
  const contested: T[] = [];
  const unexplained: T[] = [];
  let open: Window[] = [];
  let next = 0;
  let latestToMs = -Infinity;
  let given = 0;
  for (const { thing, atMs } of timed) {
    for (let at = byStart[next]; at !== undefined && at.fromMs <= atMs; at = byStart[(next += 1)]) {
      open.push(at);
      latestToMs = Math.max(latestToMs, at.toMs);
    }
    if (latestToMs < atMs) {
      unexplained.push(thing);
      continue;
    }
    contested.push(thing);
    open = open.filter(({ toMs }) => toMs >= atMs);
    // The window that closes first is of use to the fewest of those that follow.
    const best = open.reduce<Window | undefined>(
      (chosen, each) => (chosen === undefined || each.toMs < chosen.toMs ? each : chosen),
      undefined,
    );
    if (best === undefined) continue;
    given += 1;
    open.splice(open.indexOf(best), 1);
  }
  if (windows.length === 0) return { unexplained: [...unexplained, ...untold], ambiguous: [], excess: 0 };
  const excess = contested.length - given + Math.max(0, untold.length - (windows.length - given));
  return { unexplained, ambiguous: excess > 0 ? [...contested, ...untold] : [], excess };
}
