import { BrokerError } from '../kernel/broker-error.js';

/** One page of a list; ask for the next with the cursor, until it is null. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/** Where a page begins: the sort key of the last row that was seen. */
export type CursorKey = readonly (string | number)[];

/** Makes an opaque cursor of a sort key. */
export function encodeCursor(key: CursorKey): string {
  return Buffer.from(JSON.stringify(key), 'utf8').toString('base64url');
}

/** Reads a cursor of that many parts; refuses with `request_invalid` what no list here has made. */
export function decodeCursor(cursor: string, parts: number): CursorKey {
  try {
    const key: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (
      Array.isArray(key) &&
      key.length === parts &&
      key.every((part) => typeof part === 'string' || typeof part === 'number')
    ) {
      return key;
    }
  } catch {
    // Not JSON: refused below like any other foreign text.
  }
  throw new BrokerError('request_invalid', { field: 'cursor', detail: 'is not a cursor of this list' });
}

/** Cuts a result of `limit + 1` rows into a page of `limit`. */
export function pageOf<T>(rows: readonly T[], limit: number, keyOf: (row: T) => CursorKey): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last !== undefined ? encodeCursor(keyOf(last)) : null };
}
