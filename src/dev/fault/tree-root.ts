import { createHash } from 'node:crypto';

/**
 * The root of the Merkle tree over leaves (RFC 6962 §2.1), straight from its definition: the brokers' own tree is what
 * is compared with it.
 */
export function rootOf(leaves: readonly Uint8Array[]): Buffer {
  if (leaves.length === 0) return sha256();
  const hashes = leaves.map((leaf) => sha256(Buffer.of(0x00), leaf));
  return rootOfHashes(hashes);
}

function rootOfHashes(hashes: readonly Buffer[]): Buffer {
  const [only] = hashes;
  if (only !== undefined && hashes.length === 1) return only;
  // The largest power of two that is smaller than the number of leaves.
  let left = 1;
  while (left * 2 < hashes.length) left *= 2;
  return sha256(Buffer.of(0x01), rootOfHashes(hashes.slice(0, left)), rootOfHashes(hashes.slice(left)));
}

function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
