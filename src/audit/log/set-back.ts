import { Injectable } from '@nestjs/common';
import { checkpointIn } from '../../tlog/checkpoint.js';
import { noteKey, parseNote, signersOf } from '../../tlog/note.js';
import { linkOf } from '../../tlog/origin-link.js';
import type { HighWaterMark } from './audit-high-water.js';
import type { SigningKey } from './checkpoint-signer.js';
import { Checkpoints } from './checkpoints.js';
import { LogDirectory } from './log-directory.js';
import { LogOrigins } from './log-origins.js';
import { LogTree } from './log-tree.js';

/** The log in the database is not a continuation of the one that was signed last; nothing more is signed. */
export class LogSetBack extends Error {
  override readonly name = 'LogSetBack';
  readonly code = 'log_set_back';

  constructor(
    readonly signedSize: number,
    readonly size: number,
    what: string,
  ) {
    super(
      `${what}; was the database restored from a backup? If that was meant, go on as a new log: leasegate audit new-origin --reason …`,
    );
  }
}

/** Refuses to sign a log that does not continue what was signed last. */
@Injectable()
export class SetBackCheck {
  constructor(
    private readonly tree: LogTree,
    private readonly checkpoints: Checkpoints,
    private readonly directory: LogDirectory,
    private readonly origins: LogOrigins,
  ) {}

  /**
   * Throws {@link LogSetBack} unless the log continues the mark, or is a new one with a link to it that one of these
   * keys signed. No mark at all is a new log only where no checkpoint is left either.
   */
  async check(
    head: HighWaterMark,
    mark: HighWaterMark | undefined,
    keys: readonly SigningKey[],
  ): Promise<void> {
    if (mark === undefined) {
      const left = (await this.checkpoints.newestOfAll()) ?? (await this.directory.newest());
      const signed = checkpointIn(left);
      if (signed === undefined || (await this.#linked(head.origin, signed, keys))) return;
      throw new LogSetBack(
        signed.size,
        head.size,
        `the mark of how far the log was signed is gone, and it was signed up to ${signed.size}`,
      );
    }
    if (mark.origin !== head.origin) {
      if (await this.#linked(head.origin, mark, keys)) return;
      throw new LogSetBack(
        mark.size,
        head.size,
        `the log that was signed last is ${mark.origin}, and this is ${head.origin}`,
      );
    }
    if (head.size < mark.size)
      throw new LogSetBack(
        mark.size,
        head.size,
        `the log has ${head.size} entries, and it had ${mark.size} when it was signed last`,
      );
    if (!(await this.tree.rootAt(mark.size)).equals(mark.root))
      throw new LogSetBack(
        mark.size,
        head.size,
        `the first ${mark.size} entries of the log are not those that were signed`,
      );
  }

  /** By the signature alone: whoever can write to the database can also write a row that says so. */
  async #linked(origin: string, signed: HighWaterMark, keys: readonly SigningKey[]): Promise<boolean> {
    const note = parseNote((await this.origins.find(origin))?.link ?? '');
    const link = note && linkOf(note.text);
    if (note === undefined || link === undefined || link.origin !== origin) return false;
    const same =
      link.former === signed.origin && link.formerSize === signed.size && link.formerRoot.equals(signed.root);
    const known = keys.map(({ publicKey }) => noteKey(origin, publicKey));
    return same && signersOf(note, known).length > 0;
  }
}
