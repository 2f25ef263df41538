/** Bytes without which some things cannot be in a text; bits, so that a text has them all in one number. */
export const SIGN = { at: 1, percent: 2, ampersand: 4, backslash: 8, privateKey: 16 } as const;

/** Below this, one loop is faster than native searches for each. */
const LOOP_BYTES = 1_024;
const BY_BYTE = new Uint8Array(256);
const LEADS: readonly (readonly [number, number])[] = [
  [0x40, SIGN.at],
  [0x25, SIGN.percent],
  [0x26, SIGN.ampersand],
  [0x5c, SIGN.backslash],
  [0x2d, SIGN.privateKey],
];
for (const [byte, sign] of LEADS) BY_BYTE[byte] = sign;

/** Which of the signs a text may have; in short ones a hyphen is sign enough of a private key. */
export function signsOf(bytes: Buffer): number {
  let signs = 0;
  if (bytes.length < LOOP_BYTES) {
    for (let at = 0; at < bytes.length; at += 1) signs |= BY_BYTE[bytes[at] as number] as number;
    return signs;
  }
  for (const [byte, sign] of LEADS) {
    if (bytes.includes(sign === SIGN.privateKey ? '-----BEGIN ' : byte)) signs |= sign;
  }
  return signs;
}
