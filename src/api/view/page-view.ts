import type { Page } from '../../database/page.js';

/** A page as it is answered. */
export interface PageView<V> {
  readonly items: V[];
  readonly next_cursor: string | null;
}

/** Turns a page of things into a page of views. */
export function pageView<T, V>(page: Page<T>, viewOf: (item: T) => V): PageView<V> {
  return { items: page.items.map(viewOf), next_cursor: page.nextCursor };
}

/** An instant as it is answered. */
export function instantOf(date: Date): string {
  return date.toISOString();
}

/** An instant that may not have come. */
export function instantOrNull(date: Date | null | undefined): string | null {
  return date?.toISOString() ?? null;
}
