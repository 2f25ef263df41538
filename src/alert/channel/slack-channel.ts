import type { ChannelSettings } from '../../settings/alerts-schema.js';
import type { Notification } from '../notification.js';
import { Channel } from './channel.js';
import { GuardedPost } from './guarded-post.js';
import { details, headline, oneLine } from './message-text.js';
import { readSecret } from './secret-source.js';

/** An incoming webhook as Slack, Mattermost, Rocket.Chat and others have it: `{"text": …}`. */
export class SlackChannel extends Channel {
  readonly name: string;
  readonly #post: GuardedPost;

  constructor(private readonly channel: Extract<ChannelSettings, { kind: 'slack' }>) {
    super();
    this.name = channel.name;
    this.#post = new GuardedPost(channel.internal, channel.caFile);
  }

  async deliver(notification: Notification, signal: AbortSignal): Promise<void> {
    const url = await readSecret(this.channel.url, this.channel.urlFile);
    const text = [
      `*${escaped(oneLine(headline(notification)))}*`,
      ...details(notification).map(escaped),
    ].join('\n');
    await this.#post.send(url.expose(), {}, JSON.stringify({ text }), signal);
  }

  override close(): Promise<void> {
    return this.#post.close();
  }
}

/** Escapes what Slack takes for mentions and links, so that a label cannot page a whole channel. */
function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/[*`]/g, ' ');
}
