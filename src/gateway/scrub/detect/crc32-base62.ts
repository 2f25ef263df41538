import { crc32 } from 'node:zlib';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/**
 * Whether the last six characters are the CRC-32 of what comes before, in base 62: the way GitHub and npm make tokens,
 * so that they can be told from what only looks alike (github.blog, "Behind GitHub's new authentication token formats").
 */
export function hasBase62Checksum(random: string, checksum: string): boolean {
  let rest = crc32(Buffer.from(random, 'latin1'));
  let expected = '';
  for (let place = 0; place < 6; place += 1) {
    expected = BASE62.charAt(rest % 62) + expected;
    rest = Math.floor(rest / 62);
  }
  return expected === checksum;
}
