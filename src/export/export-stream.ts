import { Readable } from 'node:stream';

const HIGH_WATER_BYTES = 64 * 1024;

/** What a stream of an export is. */
export interface ExportAbout {
  readonly exportId: string;
  readonly fromIndex: number;
  /** It ends before this index. */
  readonly toIndex: number;
  /** Entries of the whole log at that moment. */
  readonly logSize: number;
  readonly filtered: boolean;
  /** Entries before this one may be missing, since they were archived; undefined where none is. */
  readonly archivedBefore: number | undefined;
  readonly contentType: string;
  readonly fileName: string;
}

/**
 * A byte stream that takes one piece at a time from a source, when its reader wants one. Destroying it lets go of what
 * the source reads from at once: `Readable.from` would first wait for the piece that is under way, which may be a
 * query that takes minutes.
 */
export class ExportStream extends Readable {
  /** `release` ends what the source reads from; it is called once, however the stream ends. */
  constructor(
    readonly about: ExportAbout,
    private readonly source: AsyncIterator<Uint8Array, void>,
    private readonly release: () => Promise<void>,
  ) {
    super({ highWaterMark: HIGH_WATER_BYTES });
  }

  override _read(): void {
    this.#next().then(
      (value) => {
        if (!this.destroyed) this.push(value);
      },
      (error: unknown) =>
        this.destroy(error instanceof Error ? error : new Error('the source of an export failed')),
    );
  }

  /** An empty piece would say nothing to the stream, and it would never ask again. */
  async #next(): Promise<Uint8Array | null> {
    for (;;) {
      const { done, value } = await this.source.next();
      if (done === true || value === undefined) return null;
      if (value.length > 0) return value;
    }
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.release().then(
      () => callback(error),
      (failure: unknown) => callback(error ?? (failure instanceof Error ? failure : null)),
    );
  }
}
