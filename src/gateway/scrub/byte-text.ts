/**
 * Bytes, and the same bytes as a string with one character for each (latin1), so that every offset means the same in
 * both. All that is looked for is ASCII or compared byte by byte, so no character set has to be decoded, and bytes
 * that are not valid UTF-8 pass through unchanged.
 */
export class ByteText {
  #text: string | undefined;

  private constructor(
    readonly bytes: Buffer,
    text?: string,
  ) {
    this.#text = text;
  }

  static ofBytes(bytes: Buffer): ByteText {
    return new ByteText(bytes);
  }

  /** Of a string all of whose characters stand for a byte. */
  static ofText(text: string): ByteText {
    return new ByteText(Buffer.from(text, 'latin1'), text);
  }

  get length(): number {
    return this.bytes.length;
  }

  /** Made when it is first asked for: where nothing looks like anything, the bytes are enough. */
  get text(): string {
    return (this.#text ??= this.bytes.toString('latin1'));
  }
}

/** The UTF-8 of a string, a character for each byte. */
export function utf8Text(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** How far a loop is faster than a call of native code. */
const LOOP_BYTES = 96;

/** Where a byte next is in `from` to `to`; `to` where it is not. Never looks further, so that many calls stay linear. */
export function nextByte(bytes: Buffer, byte: number, from: number, to: number): number {
  const near = Math.min(to, from + LOOP_BYTES);
  for (let at = from; at < near; at += 1) if (bytes[at] === byte) return at;
  if (near >= to) return to;
  const at = bytes.subarray(near, to).indexOf(byte);
  return at < 0 ? to : near + at;
}
