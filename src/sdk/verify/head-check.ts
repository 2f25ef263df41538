import type { CompactRange } from '../../tlog/compact-range.js';
import { HASH_BYTES } from '../../tlog/hash.js';
import type { ExpectedHead } from './export-verification.js';

/**
 * Compares a head that was kept with a tree, where it ends among these hashes that come next. Undefined where it does not;
 * else what is wrong, or false when nothing is.
 */
export function headProblem(
  expected: ExpectedHead | undefined,
  before: CompactRange,
  hashes: Buffer,
): string | false | undefined {
  if (expected === undefined) return undefined;
  const { size, rootHash } = expected;
  const count = size - before.end;
  if (count <= 0 || count > hashes.length / HASH_BYTES) return undefined;
  const tree = before.copy();
  for (let at = 0; at < count * HASH_BYTES; at += HASH_BYTES)
    tree.append(0, Buffer.from(hashes.subarray(at, at + HASH_BYTES)));
  return (
    tree.root().toString('hex') !== rootHash &&
    `the log at size ${size} is not the one that was expected: its root is another one`
  );
}
