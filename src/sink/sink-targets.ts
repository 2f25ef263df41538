import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../kernel/clock.js';
import { Settings } from '../settings/schema.js';
import type { SinkSettings } from '../settings/sinks-schema.js';
import { kindsOf } from './kinds.js';
import { FileReceiver } from './receiver/file-receiver.js';
import { OtlpReceiver } from './receiver/otlp-receiver.js';
import type { Receiver } from './receiver/receiver.js';
import { SyslogReceiver } from './receiver/syslog-receiver.js';
import { WebhookReceiver } from './receiver/webhook-receiver.js';
import { SinkLog } from './sink-log.js';

/** A sink of the settings, ready to be sent to. */
export interface SinkTarget {
  readonly sink: SinkSettings;
  /** The kinds of events that it is sent; undefined is all. */
  readonly kinds: readonly string[] | undefined;
  readonly receiver: Receiver;
}

/** The sinks of the settings. */
@Injectable()
export class SinkTargets implements OnApplicationShutdown {
  readonly all: readonly SinkTarget[];

  constructor(
    settings: Settings,
    private readonly clock: Clock,
    private readonly log: SinkLog,
  ) {
    this.all = settings.values.sinks.receivers.map((sink) => ({
      sink,
      kinds: kindsOf(sink.name, sink.kinds),
      receiver: this.receiverOf(sink),
    }));
  }

  /** A sink by its name; none when the settings do not have it any more. */
  find(name: string): SinkTarget | undefined {
    return this.all.find(({ sink }) => sink.name === name);
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.all.map(({ receiver }) => receiver.close()));
  }

  private receiverOf(sink: SinkSettings): Receiver {
    switch (sink.kind) {
      case 'webhook':
        return new WebhookReceiver(sink, this.clock, this.log.origin);
      case 'otlp':
        return new OtlpReceiver(sink, this.clock, this.log.origin);
      case 'syslog':
        return new SyslogReceiver(sink);
      case 'file':
        return new FileReceiver(sink, this.clock);
    }
  }
}
