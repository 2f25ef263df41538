/** A set of byte values, as a table of 256. */
export type ByteClass = Uint8Array;

/** The class of these characters; `a-z` style ranges are written out by {@link range}. */
export function byteClass(characters: string): ByteClass {
  const table = new Uint8Array(256);
  for (const byte of Buffer.from(characters, 'latin1')) table[byte] = 1;
  return table;
}

/** All characters from one to another, both included. */
export function range(from: string, to: string): string {
  let characters = '';
  for (let code = from.charCodeAt(0); code <= to.charCodeAt(0); code += 1)
    characters += String.fromCharCode(code);
  return characters;
}

export const DIGITS = range('0', '9');
export const UPPER = range('A', 'Z');
export const LOWER = range('a', 'z');

/**
 * Where the next run of at least `atLeast` bytes of a class begins in `from` to `to`, or -1. Looks at every
 * `atLeast`th byte where nothing is found, and at no byte more than twice.
 */
export function findRun(bytes: Buffer, from: number, to: number, table: ByteClass, atLeast: number): number {
  let base = from;
  // Bytes below this and from `base` on are known to be of the class.
  let known = from;
  for (;;) {
    const last = base + atLeast - 1;
    if (last >= to) return -1;
    let at = last;
    while (at >= known && table[bytes[at] as number] === 1) at -= 1;
    if (at < known) return base;
    base = at + 1;
    known = last + 1;
  }
}

/** Where the run that `start` is in ends. */
export function runEnd(bytes: Buffer, start: number, to: number, table: ByteClass): number {
  let end = start;
  while (end < to && table[bytes[end] as number] === 1) end += 1;
  return end;
}
