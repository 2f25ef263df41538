import { createHash } from 'node:crypto';

/** Bytes of every hash of the log. */
export const HASH_BYTES = 32;

/** The chain hash before the first entry. */
export const CHAIN_START: Buffer = Buffer.alloc(HASH_BYTES);

const LEAF = Buffer.of(0x00);
const LINK = Buffer.of(0x02);

/** The hash of a leaf of a Merkle tree: SHA-256(0x00 || leaf), RFC 6962 §2.1. A tree can be built on these later. */
export function leafHash(leaf: Uint8Array): Buffer {
  return createHash('sha256').update(LEAF).update(leaf).digest();
}

/**
 * The running hash after an entry: SHA-256(0x02 || chain hash before it || leaf hash). The prefix is neither that of a
 * leaf (0x00) nor that of a node (0x01), so that no link can be passed off as one of them. Throws unless both have 32 bytes.
 */
export function chainHash(before: Uint8Array, leaf: Uint8Array): Buffer {
  if (before.length !== HASH_BYTES || leaf.length !== HASH_BYTES) {
    throw new RangeError('a hash of the log has 32 bytes');
  }
  return createHash('sha256').update(LINK).update(before).update(leaf).digest();
}
