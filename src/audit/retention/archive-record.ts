import type { ClosedRange } from './part-rebuild.js';

/** What events say of entries of a class in a part. */
export function recorded(
  { fromIndex, toIndex }: ClosedRange,
  row: { readonly class: string; readonly entries: number },
): { from_index: number; to_index: number; class: string; entries: number } {
  return { from_index: fromIndex, to_index: toIndex, class: row.class, entries: row.entries };
}

/** The first parameters of a row of `audit_archive`. */
export function keyOf(row: {
  readonly fromIndex: number;
  readonly class: string;
  readonly kinds: readonly string[];
  readonly entries: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
}): unknown[] {
  return [row.fromIndex, row.class, row.kinds, row.entries, row.firstAt, row.lastAt];
}
