/** Values as they stand on a plain page, in memory that is used again for the next page. */
export class PlainValues {
  #bytes: Buffer;
  #length = 0;

  constructor(bytes: number) {
    this.#bytes = Buffer.allocUnsafe(bytes);
  }

  get length(): number {
    return this.#length;
  }

  /** The bytes; they last until the next value is added. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  /** A text in UTF-8, or bytes that are one. */
  text(value: string | Uint8Array): void {
    const isText = typeof value === 'string';
    // A UTF-16 code unit takes at most three bytes.
    this.#room(4 + (isText ? value.length * 3 : value.length));
    const at = this.#length + 4;
    let length = value.length;
    if (isText) length = this.#bytes.write(value, at);
    else this.#bytes.set(value, at);
    this.#bytes.writeUInt32LE(length, this.#length);
    this.#length = at + length;
  }

  int32(value: number): void {
    this.#room(4);
    this.#length = this.#bytes.writeInt32LE(value, this.#length);
  }

  /** A whole number that a double has exactly. */
  int64(value: number): void {
    this.#room(8);
    this.#bytes.writeUInt32LE(value >>> 0, this.#length);
    this.#length = this.#bytes.writeInt32LE(Math.floor(value / 2 ** 32), this.#length + 4);
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + bytes));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
