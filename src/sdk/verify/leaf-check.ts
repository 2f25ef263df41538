import { hash } from 'node:crypto';
import { isUtf8 } from 'node:buffer';
import { isPlainCanonical } from './canonical-scan.js';
import { isCanonical } from './export-lines.js';

/** Looks at leaves by themselves. */
export class LeafCheck {
  readonly #bytes = Buffer.alloc(1 + 65_535 + 1);

  /** What is wrong with a leaf whose hash should be this; undefined when nothing is. */
  problemOf(leaf: Buffer, expected: Buffer): string | undefined {
    const length = leaf.length;
    if (length > 65_535) return 'the leaf is longer than one can be';
    leaf.copy(this.#bytes, 1);
    this.#bytes[1 + length] = 0;
    if (hash('sha256', this.#bytes.subarray(0, 1 + length), 'hex') !== expected.toString('hex'))
      return 'the leaf is not the one that was recorded: its hash is another one';
    const canonical =
      isUtf8(leaf) && (isPlainCanonical(this.#bytes, 1, 1 + length) || isCanonical(leaf.toString('utf8')));
    return canonical ? undefined : 'the leaf is not canonical JSON (RFC 8785)';
  }
}
