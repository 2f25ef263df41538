/**
 * A text column, for a condition in a statement that names its row by key. Written plainly, such a condition would also
 * fit a partial index (`… WHERE state = 'issuing'`), which the planner takes for cheaper than the key because few rows
 * are in it; but every row was in it once, and until the next vacuum the statement reads what all of them left behind.
 */
export function besidesKey(column: string): string {
  return `(${column} || '')`;
}
