import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../../kernel/clock.js';
import { Log } from '../../kernel/log.js';
import type { ChannelSettings } from '../../settings/alerts-schema.js';
import { Settings } from '../../settings/schema.js';
import { LOG_CHANNEL } from '../alert-rules.js';
import type { Channel } from './channel.js';
import { EmailChannel } from './email-channel.js';
import { LogChannel } from './log-channel.js';
import { SlackChannel } from './slack-channel.js';
import { WebhookChannel } from './webhook-channel.js';

/** The channels of the settings, and the log. */
@Injectable()
export class Channels implements OnApplicationShutdown {
  readonly #channels: ReadonlyMap<string, Channel>;

  constructor(
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {
    const { channels } = settings.values.alerts;
    const made = channels.map((each) => this.make(each));
    const all = [new LogChannel(LOG_CHANNEL, log), ...made];
    this.#channels = new Map(all.map((channel) => [channel.name, channel]));
  }

  /** A channel by its name; none when the settings do not have it any more. */
  find(name: string): Channel | undefined {
    return this.#channels.get(name);
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...this.#channels.values()].map((channel) => channel.close()));
  }

  private make(channel: ChannelSettings): Channel {
    switch (channel.kind) {
      case 'webhook':
        return new WebhookChannel(channel, this.clock);
      case 'slack':
        return new SlackChannel(channel);
      case 'email':
        return new EmailChannel(channel, this.settings.values.alerts.timeoutMs);
      case 'log':
        return new LogChannel(channel.name, this.log);
    }
  }
}
