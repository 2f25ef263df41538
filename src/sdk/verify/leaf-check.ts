import { hash } from 'node:crypto';
import { isUtf8 } from 'node:buffer';
import { HASH_BYTES } from '../../tlog/hash.js';
import { isPlainCanonical } from './canonical-scan.js';
import { isCanonical } from './export-lines.js';

/** Said of a leaf that is not the one of its place. */
export const OTHER_LEAF = 'the leaf is not the one that was recorded: its hash is another one';

/** Looks at leaves by themselves. */
export class LeafCheck {
  readonly #bytes = Buffer.alloc(1 + 65_535 + 1);
  readonly #hash = Buffer.alloc(HASH_BYTES);
  /** Of no leaf. */
  readonly #none = Buffer.alloc(HASH_BYTES);

  /** What is wrong with a leaf whose hash should be this; undefined when nothing is. */
  problemOf(leaf: Buffer, expected: Uint8Array): string | undefined {
    const seen = this.look(leaf);
    return seen.hash.equals(expected) ? seen.problem : OTHER_LEAF;
  }

  /** Its hash (RFC 6962 §2.1), until the next leaf is looked at, and what is wrong with it by itself. */
  look(leaf: Buffer): { readonly hash: Buffer; readonly problem: string | undefined } {
    const length = leaf.length;
    if (length > 65_535) return { hash: this.#none, problem: 'the leaf is longer than one can be' };
    leaf.copy(this.#bytes, 1);
    this.#bytes[1 + length] = 0;
    this.#hash.write(hash('sha256', this.#bytes.subarray(0, 1 + length), 'binary'), 'latin1');
    const canonical =
      isUtf8(leaf) && (isPlainCanonical(this.#bytes, 1, 1 + length) || isCanonical(leaf.toString('utf8')));
    return {
      hash: this.#hash,
      problem: canonical ? undefined : 'the leaf is not canonical JSON (RFC 8785)',
    };
  }
}
