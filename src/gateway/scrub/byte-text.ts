/**
 * Bytes, and the same bytes as a string with one character for each (latin1), so that every offset means the same in
 * both. All that is looked for is ASCII or compared byte by byte, so no character set has to be decoded, and bytes
 * that are not valid UTF-8 pass through unchanged.
 */
export class ByteText {
  readonly length: number;

  private constructor(
    readonly bytes: Buffer,
    readonly text: string,
  ) {
    this.length = bytes.length;
  }

  static ofBytes(bytes: Buffer): ByteText {
    return new ByteText(bytes, bytes.toString('latin1'));
  }

  /** Of a string all of whose characters stand for a byte. */
  static ofText(text: string): ByteText {
    return new ByteText(Buffer.from(text, 'latin1'), text);
  }
}

/** The UTF-8 of a string, a character for each byte. */
export function utf8Text(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
