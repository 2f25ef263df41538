import { hostname } from 'node:os';
import { GuardedPost } from '../../alert/channel/guarded-post.js';
import { readSecret } from '../../alert/channel/secret-source.js';
import type { Clock } from '../../kernel/clock.js';
import type { SinkSettings } from '../../settings/sinks-schema.js';
import type { SinkEvent } from '../sink-event.js';
import { otlpLogs } from './otlp-logs.js';
import { judged, Receiver, RefusedError } from './receiver.js';

/** A collector of OpenTelemetry: OTLP over HTTP with JSON. */
export class OtlpReceiver extends Receiver {
  readonly #post: GuardedPost;

  constructor(
    private readonly sink: Extract<SinkSettings, { kind: 'otlp' }>,
    private readonly clock: Clock,
    private readonly origin: () => Promise<string>,
  ) {
    super();
    this.#post = new GuardedPost(sink.internal, sink.caFile);
  }

  async deliver(events: readonly SinkEvent[], signal: AbortSignal): Promise<void> {
    const source = { origin: await this.origin(), instance: hostname(), observedAt: this.clock.now() };
    let answer: string;
    try {
      answer = await this.#post.ask(
        this.sink.url,
        await this.credentials(),
        otlpLogs(events, source),
        signal,
      );
    } catch (error) {
      throw judged(error);
    }
    // A partial success does not say which records were thrown away; they are found by sending fewer at a time.
    const rejected = rejectedOf(answer);
    if (rejected > 0)
      throw new RefusedError(`the collector rejected ${rejected} of ${events.length} records`);
  }

  override close(): Promise<void> {
    return this.#post.close();
  }

  private async credentials(): Promise<Record<string, string>> {
    const { token, tokenFile, tokenHeader } = this.sink;
    if (token === undefined && tokenFile === undefined) return {};
    const secret = (await readSecret(token, tokenFile)).expose();
    const name = tokenHeader.toLowerCase();
    return { [name]: name === 'authorization' ? `Bearer ${secret}` : secret };
  }
}

function rejectedOf(answer: string): number {
  try {
    const parsed = JSON.parse(answer) as { partialSuccess?: { rejectedLogRecords?: unknown } } | null;
    const rejected = Number(parsed?.partialSuccess?.rejectedLogRecords ?? 0);
    return Number.isSafeInteger(rejected) && rejected > 0 ? rejected : 0;
  } catch {
    return 0;
  }
}
