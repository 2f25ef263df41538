/** How far the log was when it was last signed. */
export interface HighWaterMark {
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
}

/** The mark, and what a write has to name so that it replaces this one and no later one. */
export interface MarkRead {
  /** Undefined where nothing was ever marked. */
  readonly mark: HighWaterMark | undefined;
  readonly version: number;
}

/**
 * Keeps a mark outside the database, so that a database which was set back is noticed. Fails with a `BrokerError` when it
 * cannot be reached.
 */
export abstract class AuditHighWater {
  abstract read(): Promise<MarkRead>;

  /** Replaces the mark of that version; answers the new version, or undefined when somebody else was faster. */
  abstract write(mark: HighWaterMark, version: number): Promise<number | undefined>;
}
