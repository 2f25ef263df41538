import type { Log } from '../../kernel/log.js';
import type { Notification } from '../notification.js';
import { Channel } from './channel.js';

/** The program's own log: one line for each notification. */
export class LogChannel extends Channel {
  constructor(
    readonly name: string,
    private readonly log: Log,
  ) {
    super();
  }

  async deliver(notification: Notification): Promise<void> {
    const { type, severity, rule, summary, ...fields } = notification;
    const line = { alert: rule, severity, notification: type, ...fields, channel: this.name };
    if (severity === 'critical' && type === 'alert.firing') this.log.error(line, summary);
    else if (severity === 'info' || type !== 'alert.firing') this.log.info(line, summary);
    else this.log.warn(line, summary);
  }
}
