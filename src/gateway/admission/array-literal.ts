/**
 * An array literal of PostgreSQL from values that need no quoting: numbers, booleans, UUIDs, timestamps. Many times
 * quicker than the driver, which quotes and escapes each element.
 */
export function plainArray(values: readonly (string | number | boolean | null)[]): string {
  return `{${values.map((value) => (value === null ? 'NULL' : value)).join(',')}}`;
}

/** An array literal of PostgreSQL from any texts. */
export function textArray(values: readonly (string | null)[]): string {
  return `{${values.map((value) => (value === null ? 'NULL' : quoted(value))).join(',')}}`;
}

const SPECIAL = /[\\"]/g;

function quoted(text: string): string {
  return `"${text.replace(SPECIAL, '\\$&')}"`;
}

/** Leaves of events one behind the other: one binary parameter, and where each lies in it (from 1, in bytes). */
export function packed(leaves: readonly Buffer[]): {
  readonly from: string;
  readonly sizes: string;
  readonly bytes: Buffer;
} {
  let next = 1;
  const from = leaves.map(({ length }) => {
    const start = next;
    next += length;
    return start;
  });
  return {
    from: plainArray(from),
    sizes: plainArray(leaves.map(({ length }) => length)),
    bytes: Buffer.concat(leaves),
  };
}
