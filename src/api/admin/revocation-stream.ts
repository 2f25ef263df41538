import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { Clock } from '../../kernel/clock.js';
import { Revocations } from '../../lease/kill/revocations.js';
import { revocationProgressViewOf } from '../view/revocation-view.js';

const LOOK_MS = 250;
/** A comment so often, so that nobody between takes the stream for dead. */
const COMMENT_MS = 15_000;
/** Then whoever watches asks again, which server-sent events do by themselves. */
const LONGEST_MS = 600_000;

/** Streams how far revocations are, as server-sent events (HTML Living Standard §9.2). */
@Injectable()
export class RevocationStreams implements BeforeApplicationShutdown {
  readonly #stopping = new AbortController();

  constructor(
    private readonly revocations: Revocations,
    private readonly clock: Clock,
  ) {}

  /**
   * An event `progress` for each change, beginning with how it is now, and `done` with the last one; then the stream
   * ends. It ends without `done` after ten minutes, and when the replica stops.
   */
  of(revocationId: string): Readable {
    return Readable.from(this.events(revocationId), { objectMode: false });
  }

  beforeApplicationShutdown(): void {
    this.#stopping.abort();
  }

  private async *events(revocationId: string): AsyncGenerator<string, void, undefined> {
    const startedMs = this.clock.monotonicMs();
    let sentMs = startedMs;
    let last = '';
    for (;;) {
      const view = revocationProgressViewOf(await this.revocations.progress(revocationId));
      const data = JSON.stringify(view);
      const nowMs = this.clock.monotonicMs();
      if (view.state === 'done') {
        yield `event: done\ndata: ${data}\n\n`;
        return;
      }
      if (data !== last) yield `event: progress\ndata: ${data}\n\n`;
      else if (nowMs - sentMs > COMMENT_MS) yield ': waiting\n\n';
      if (data !== last || nowMs - sentMs > COMMENT_MS) sentMs = nowMs;
      last = data;
      if (this.#stopping.signal.aborted || nowMs - startedMs > LONGEST_MS) return;
      await pause(LOOK_MS, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    }
  }
}
