import { ByteText } from '../byte-text.js';
import { FindingCounts } from '../findings.js';
import type { Needles } from '../needles.js';
import { blockedResponse, type PieceScrub } from './scrub-stream.js';

/** A stream of bytes that mean nothing here: only the credential is looked for, and it ends the stream. */
export class BinaryPieces implements PieceScrub {
  readonly counts = new FindingCounts();
  #held = Buffer.alloc(0);

  constructor(private readonly needles: Needles) {}

  push(chunk: Buffer): Buffer {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.needles.search(ByteText.ofBytes(bytes), 0, bytes.length, () => this.counts.addCredential());
    if (this.counts.list().length > 0) throw blockedResponse();
    const open = this.needles.openFrom(bytes);
    this.#held = Buffer.from(bytes.subarray(open));
    return bytes.subarray(0, open);
  }

  end(): Buffer {
    return this.#held;
  }
}
