import type { Readable } from 'node:stream';

/** A body that is passed on as it comes. Nobody has read it yet; it can be read once. */
export class Upload {
  constructor(
    readonly source: Readable,
    /** What was announced, where it was; more or less than that breaks the request. */
    readonly lengthBytes: number | undefined,
  ) {}
}
