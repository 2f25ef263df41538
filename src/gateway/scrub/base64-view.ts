import { byteClass, DIGITS, LOWER, UPPER } from './byte-class.js';
import { ByteText } from './byte-text.js';
import type { View } from './view.js';

/** Shorter ones hold nothing that is looked for, save the credential, which is searched as it reads in base64. */
export const MIN_ENCODED_CHARACTERS = 16;
/** Text shows itself by its first bytes; data and words nearly never pass. */
const PROVEN_BYTES = 6;

const SIX_BITS = sixBits();
const HEX_VALUE = hexValues();
/** Bytes of text: no control characters but white space. */
const TEXT = new Uint8Array(256).map((_, byte) =>
  (byte >= 0x20 && byte !== 0x7f) || /[\t\n\r]/.test(String.fromCharCode(byte)) ? 1 : 0,
);
const ASCII_TEXT = TEXT.map((is, byte) => (byte < 0x80 ? is : 0));
/** Bytes that text in base64, or in hexadecimal, can begin with: its first byte is ASCII, and nearly always printable. */
export const BASE64_BEGINNINGS = byteClass(`${UPPER}abcdef`);
export const HEX_BEGINNINGS = byteClass('234567');

/** Text that was written with a fixed number of bits a character, from one place on without a gap but line ends. */
class PackedView implements View {
  readonly content: ByteText;

  /** `places` are of the characters that hold the bits. */
  constructor(
    decoded: Buffer,
    private readonly places: readonly number[],
    private readonly bits: number,
  ) {
    this.content = ByteText.ofBytes(decoded);
  }

  sourceStart(at: number): number {
    return this.places[Math.floor((at * 8) / this.bits)] as number;
  }

  sourceEnd(end: number): number {
    return (this.places[Math.ceil((end * 8) / this.bits) - 1] as number) + 1;
  }
}

/** The text that is written in base64 or base64url from `start` on; undefined where what it says is not text. */
export function base64View(bytes: Buffer, start: number, to: number): View | undefined {
  return packedView(bytes, start, to, SIX_BITS, 6);
}

/** The text that is written in hexadecimal from `start` on; undefined where what it says is not text. */
export function hexView(bytes: Buffer, start: number, to: number): View | undefined {
  return packedView(bytes, start, to, HEX_VALUE, 4);
}

function packedView(
  bytes: Buffer,
  start: number,
  to: number,
  values: Int8Array,
  bits: number,
): View | undefined {
  if (!beginsAsText(bytes, start, to, values, bits)) return undefined;
  const decoded: number[] = [];
  const places: number[] = [];
  let held = 0;
  let heldBits = 0;
  for (let at = start; at < to; at += 1) {
    const byte = bytes[at] as number;
    const value = values[byte] as number;
    if (value < 0) {
      // MIME (RFC 2045 §6.8) breaks lines at whole groups.
      if ((byte === 0x0a || byte === 0x0d) && places.length % 4 === 0) continue;
      break;
    }
    places.push(at);
    held = ((held << bits) | value) & 0xffff;
    heldBits += bits;
    if (heldBits < 8) continue;
    heldBits -= 8;
    const text = (held >> heldBits) & 0xff;
    if (TEXT[text] === 0) break;
    decoded.push(text);
  }
  return places.length < MIN_ENCODED_CHARACTERS
    ? undefined
    : new PackedView(Buffer.from(decoded), places, bits);
}

function beginsAsText(bytes: Buffer, start: number, to: number, values: Int8Array, bits: number): boolean {
  let held = 0;
  let heldBits = 0;
  let proven = 0;
  for (let at = start; at < to; at += 1) {
    const value = values[bytes[at] as number] as number;
    if (value < 0) return false;
    held = ((held << bits) | value) & 0xffff;
    heldBits += bits;
    if (heldBits < 8) continue;
    heldBits -= 8;
    if (ASCII_TEXT[(held >> heldBits) & 0xff] === 0) return false;
    proven += 1;
    if (proven === PROVEN_BYTES) return true;
  }
  return false;
}

function sixBits(): Int8Array {
  const values = new Int8Array(256).fill(-1);
  for (const [value, character] of [...`${UPPER}${LOWER}${DIGITS}+/`].entries())
    values[character.charCodeAt(0)] = value;
  values['-'.charCodeAt(0)] = 62;
  values['_'.charCodeAt(0)] = 63;
  return values;
}

function hexValues(): Int8Array {
  const values = new Int8Array(256).fill(-1);
  for (let value = 0; value < 16; value += 1) {
    const digit = value.toString(16);
    values[digit.charCodeAt(0)] = value;
    values[digit.toUpperCase().charCodeAt(0)] = value;
  }
  return values;
}
