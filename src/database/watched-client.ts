import type { Socket } from 'node:net';
import pg from 'pg';

/** Beside the options of every client: how long PostgreSQL may owe an answer. */
export interface WatchedClientConfig extends pg.ClientConfig {
  readonly answerWithinMs?: number;
}

/** What of a client says whether an answer is owed; not in its types. */
interface Inside {
  readonly readyForQuery: boolean;
  readonly connection: { readonly stream: Socket };
}

/**
 * A client that ends its connection when nothing has come over it for `answerWithinMs` while an answer is owed. The
 * server cancels a statement itself when its time is up, so silence for longer means that the other side is gone
 * without a word (a host that vanished, a firewall that forgot): TCP alone would wait for a quarter of an hour, and
 * what waits for the answer (a request, a job with its claim, the sequencer) with it. The error is that of any other
 * broken connection.
 */
export class WatchedClient extends pg.Client {
  constructor(config: WatchedClientConfig = {}) {
    super(config);
    if (config.answerWithinMs === undefined) return;
    const inside = this as unknown as Inside;
    const { stream } = inside.connection;
    stream.setTimeout(config.answerWithinMs);
    // Each time, and not only the first, as a listener that is given to `setTimeout` is called: a connection that was
    // idle for so long before, in the pool or between two statements, is watched no less after that.
    stream.on('timeout', () => {
      if (!inside.readyForQuery) stream.destroy();
    });
  }
}
