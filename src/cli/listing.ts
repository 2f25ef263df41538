import type { Filters, Page } from '../sdk/admin-calls.js';
import type { Invocation } from './invocation.js';
import type { Column } from './output.js';

/** A list of the admin API, by page and whole. */
export interface Listed<T> {
  list(filters: Filters): Promise<Page<T>>;
  all(filters: Filters): AsyncIterable<T>;
}

/** Prints a list: one page, or with `--all` every page (with `--json` then as one document all the same). */
export async function printList<T>(
  invocation: Invocation,
  source: Listed<T>,
  filters: Filters,
  columns: readonly Column<T>[],
): Promise<void> {
  const { output } = invocation;
  const limit = invocation.number('limit');
  const page: Page<T> = invocation.flag('all')
    ? { items: await gathered(source.all({ ...filters, limit })), next_cursor: null }
    : await source.list({ ...filters, limit, cursor: invocation.text('cursor') });
  await output.show(page, () => output.table(page.items, columns));
  if (page.next_cursor !== null && !output.json)
    output.note(`more: --cursor ${page.next_cursor}, or --all`, 'dim');
}

async function gathered<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
