import type { LeaseUse, UseGroup } from './lease-use.js';

/** Places of one lease in one batch that are told apart: whoever holds a token may ask for any path. */
const MOST_PLACES = 50;
const REST = '(other places)';

/** Puts uses of a batch together: by lease, place and span of time. Never keeps the lines. */
export class UseGroups {
  readonly #groups = new Map<string, { -readonly [K in keyof UseGroup]: UseGroup[K] }>();
  readonly #places = new Map<string, number>();

  constructor(private readonly spanMs: number) {}

  add(use: LeaseUse): void {
    const spanStart = new Date(Math.floor(use.at.getTime() / this.spanMs) * this.spanMs);
    const own = keyOf(use, spanStart);
    const places = this.#places.get(use.leaseId) ?? 0;
    const apart = this.#groups.has(own) || places < MOST_PLACES;
    const kept = apart ? use : { ...use, place: REST, operation: '', source: '' };
    const key = apart ? own : keyOf(kept, spanStart);
    const group = this.#groups.get(key);
    if (group === undefined) {
      const { at, ...rest } = kept;
      this.#groups.set(key, { ...rest, spanStart, count: 1, firstAt: at, lastAt: at });
      this.#places.set(use.leaseId, places + 1);
      return;
    }
    group.count += 1;
    if (use.at < group.firstAt) group.firstAt = use.at;
    if (use.at > group.lastAt) group.lastAt = use.at;
  }

  /** In one order for all: two batches that lock the same rows then wait for each other and never in a ring. */
  all(): readonly UseGroup[] {
    return [...this.#groups.entries()]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([, group]) => group);
  }
}

function keyOf(use: Omit<LeaseUse, 'at'>, spanStart: Date): string {
  const { leaseId, use: what, place, operation, source } = use;
  return JSON.stringify([leaseId, what, place, operation, source, spanStart.getTime()]);
}
