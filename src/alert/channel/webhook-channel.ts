import { Webhook } from 'standardwebhooks';
import type { Clock } from '../../kernel/clock.js';
import type { ChannelSettings } from '../../settings/alerts-schema.js';
import type { Notification } from '../notification.js';
import { Channel, DeliveryError } from './channel.js';
import { GuardedPost } from './guarded-post.js';
import { readSecret } from './secret-source.js';

/** A webhook that is signed as Standard Webhooks 1.0 says: receivers verify it with any of its libraries. */
export class WebhookChannel extends Channel {
  readonly name: string;
  readonly #post: GuardedPost;

  constructor(
    private readonly channel: Extract<ChannelSettings, { kind: 'webhook' }>,
    private readonly clock: Clock,
  ) {
    super();
    this.name = channel.name;
    this.#post = new GuardedPost(channel.internal, channel.caFile);
  }

  async deliver(notification: Notification, signal: AbortSignal): Promise<void> {
    const secret = await readSecret(this.channel.secret, this.channel.secretFile);
    const body = JSON.stringify(notification);
    // Of this attempt: receivers refuse what is too old, and the id alone tells them what they have seen.
    const at = this.clock.now();
    let signature: string;
    try {
      signature = new Webhook(secret.expose()).sign(notification.id, at, body);
    } catch {
      throw new DeliveryError('the secret of the channel is not a key of Standard Webhooks');
    }
    const headers = {
      'webhook-id': notification.id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': signature,
    };
    await this.#post.send(this.channel.url, headers, body, signal);
  }

  override close(): Promise<void> {
    return this.#post.close();
  }
}
