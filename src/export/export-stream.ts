import { Readable } from 'node:stream';

const HIGH_WATER_BYTES = 64 * 1024;

/**
 * A byte stream that takes one piece at a time from a source, when its reader wants one. Destroying it lets go of what
 * the source reads from at once: `Readable.from` would first wait for the piece that is under way, which may be a
 * query that takes minutes.
 */
export class ExportStream extends Readable {
  /** `release` ends what the source reads from; it is called once, however the stream ends. */
  constructor(
    private readonly source: AsyncIterator<Uint8Array, void>,
    private readonly release: () => Promise<void>,
  ) {
    super({ highWaterMark: HIGH_WATER_BYTES });
  }

  override _read(): void {
    this.source.next().then(
      ({ done, value }) => {
        if (!this.destroyed) this.push(done === true ? null : value);
      },
      (error: unknown) =>
        this.destroy(error instanceof Error ? error : new Error('the source of an export failed')),
    );
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.release().then(
      () => callback(error),
      (failure: unknown) => callback(error ?? (failure instanceof Error ? failure : null)),
    );
  }
}
