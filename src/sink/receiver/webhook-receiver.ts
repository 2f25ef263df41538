import { createHash } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { DeliveryError } from '../../alert/channel/channel.js';
import { GuardedPost } from '../../alert/channel/guarded-post.js';
import { readSecret } from '../../alert/channel/secret-source.js';
import type { Clock } from '../../kernel/clock.js';
import type { SinkSettings } from '../../settings/sinks-schema.js';
import type { SinkEvent } from '../sink-event.js';
import { CLOUD_EVENTS_BATCH, cloudEventsBatch } from './cloud-events.js';
import { judged, Receiver } from './receiver.js';

/** A webhook signed as Standard Webhooks 1.0 says; its body is a batch of CloudEvents 1.0. */
export class WebhookReceiver extends Receiver {
  readonly #post: GuardedPost;

  constructor(
    private readonly sink: Extract<SinkSettings, { kind: 'webhook' }>,
    private readonly clock: Clock,
    private readonly origin: () => Promise<string>,
  ) {
    super();
    this.#post = new GuardedPost(sink.internal, sink.caFile);
  }

  async deliver(events: readonly SinkEvent[], signal: AbortSignal): Promise<void> {
    const secret = await readSecret(this.sink.secret, this.sink.secretFile);
    const body = cloudEventsBatch(events, await this.origin());
    const id = messageId(events);
    // Of this attempt: receivers refuse what is too old, and the ids alone tell them what they have seen.
    const at = this.clock.now();
    let signature: string;
    try {
      signature = new Webhook(secret.expose()).sign(id, at, body);
    } catch {
      throw new DeliveryError('the secret of the sink is not a key of Standard Webhooks');
    }
    const headers = {
      'content-type': CLOUD_EVENTS_BATCH,
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': signature,
    };
    try {
      await this.#post.send(this.sink.url, headers, body, signal);
    } catch (error) {
      throw judged(error);
    }
  }

  override close(): Promise<void> {
    return this.#post.close();
  }
}

/** The same for the same events; a batch that was cut differently is another message with the same events in it. */
function messageId(events: readonly SinkEvent[]): string {
  const hash = createHash('sha256').update(events.map(({ id }) => id).join('\n'));
  return `msg_${hash.digest('hex').slice(0, 32)}`;
}
