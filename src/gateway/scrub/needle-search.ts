/** Longest distance that one step may jump; a table of bytes holds it. */
const MAX_WINDOW = 200;

/**
 * Searches for many byte strings at once (Wu and Manber 1994, blocks of two bytes): looks at about one byte in
 * `shortest needle` where nothing is found, and compares each needle that ends alike where something may be.
 */
export class NeedleSearch {
  readonly #window: number;
  readonly #shift = new Uint8Array(65_536);
  readonly #byBlock = new Map<number, readonly string[]>();

  /** Needles of at least two bytes, as latin1 text. */
  constructor(needles: readonly string[]) {
    this.#window = Math.min(MAX_WINDOW, ...needles.map((needle) => needle.length));
    this.#shift.fill(this.#window - 1);
    for (const needle of needles) this.#add(needle);
  }

  #add(needle: string): void {
    for (let at = 1; at < this.#window; at += 1) {
      const block = needle.charCodeAt(at - 1) | (needle.charCodeAt(at) << 8);
      const shift = this.#window - 1 - at;
      if (shift < (this.#shift[block] as number)) this.#shift[block] = shift;
      if (shift === 0) this.#byBlock.set(block, [...(this.#byBlock.get(block) ?? []), needle]);
    }
  }

  /** Reports every place of every needle that lies in `from` to `to`, those that overlap too. */
  search(bytes: Buffer, from: number, to: number, found: (start: number, end: number) => void): void {
    const window = this.#window;
    const shifts = this.#shift;
    let at = from + window - 1;
    while (at < to) {
      const block = (bytes[at - 1] as number) | ((bytes[at] as number) << 8);
      const shift = shifts[block] as number;
      if (shift > 0) {
        at += shift;
        continue;
      }
      const start = at - window + 1;
      for (const needle of this.#byBlock.get(block) ?? []) {
        if (start + needle.length <= to && isAt(bytes, needle, start)) found(start, start + needle.length);
      }
      at += 1;
    }
  }
}

function isAt(bytes: Buffer, needle: string, start: number): boolean {
  for (let index = 0; index < needle.length; index += 1) {
    if (bytes[start + index] !== needle.charCodeAt(index)) return false;
  }
  return true;
}
