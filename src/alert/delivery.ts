import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import pLimit from 'p-limit';
import { Log } from '../kernel/log.js';
import { safeErrorFields } from '../kernel/safe-error.js';
import { Settings } from '../settings/schema.js';
import { DeliveryError } from './channel/channel.js';
import { Channels } from './channel/channels.js';
import { Outbox, type ClaimedNotification } from './outbox.js';

const CLAIMED_AT_ONCE = 8;
/** How long a round waits for slow channels, which go on behind it. */
const ROUND_MS = 1_000;

/**
 * Delivers what is in the outbox, at least once. Each channel goes at its own pace: one that is slow or dead keeps no
 * other waiting.
 */
@Injectable()
export class Delivery implements OnModuleDestroy {
  readonly #lanes = new Map<string, Promise<number>>();
  readonly #stopping = new AbortController();

  constructor(
    private readonly settings: Settings,
    private readonly channels: Channels,
    private readonly outbox: Outbox,
    private readonly log: Log,
  ) {}

  /** Starts on every channel that something is due for; answers how many were delivered within a moment. */
  async round(waitMs = ROUND_MS): Promise<number> {
    for (const channel of await this.outbox.waiting()) {
      if (this.#lanes.has(channel) || this.#stopping.signal.aborted) continue;
      const lane = this.drain(channel).finally(() => this.#lanes.delete(channel));
      this.#lanes.set(channel, lane);
    }
    let delivered = 0;
    const lanes = [...this.#lanes.values()].map((lane) => lane.then((count) => (delivered += count)));
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, waitMs)));
    await Promise.race([Promise.all(lanes), limit]);
    clearTimeout(timer);
    return delivered;
  }

  /** Ends what is under way: it counts as failed, and is delivered again by whoever comes next. */
  async onModuleDestroy(): Promise<void> {
    this.#stopping.abort(new Error('the replica is stopping'));
    await Promise.allSettled(this.#lanes.values());
  }

  private async drain(channel: string): Promise<number> {
    let delivered = 0;
    const limit = pLimit(CLAIMED_AT_ONCE);
    try {
      for (;;) {
        const claimed = this.#stopping.signal.aborted
          ? []
          : await this.outbox.claim(channel, CLAIMED_AT_ONCE);
        if (claimed.length === 0) return delivered;
        const results = await Promise.all(claimed.map((each) => limit(() => this.deliver(each))));
        const taken = results.filter(Boolean).length;
        delivered += taken;
        // A receiver that took none of these is left alone until the next round.
        if (taken === 0) return delivered;
      }
    } catch (error) {
      // The database: what was claimed is due again when its claim runs out.
      this.log.warn({ channel, ...safeErrorFields(error) }, 'notifications are left for later');
      return delivered;
    }
  }

  private async deliver(notification: ClaimedNotification): Promise<boolean> {
    const channel = this.channels.find(notification.channel);
    // Not `AbortSignal.any`: on Node 20 it leaks when one of the signals outlives many calls.
    const abort = new AbortController();
    const stop = (): void => abort.abort();
    this.#stopping.signal.addEventListener('abort', stop, { once: true });
    const timer = setTimeout(stop, this.settings.values.alerts.timeoutMs);
    try {
      if (channel === undefined) throw new DeliveryError('the settings have no such channel');
      await channel.deliver(notification.body, abort.signal);
    } catch (error) {
      const known = error instanceof DeliveryError;
      if (!known) this.log.error(safeErrorFields(error), 'a channel failed in a way that it should not');
      const detail = known ? error.message : 'the channel failed';
      await this.outbox.failed(notification, detail, known ? error.retryAfterMs : 0);
      return false;
    } finally {
      clearTimeout(timer);
      this.#stopping.signal.removeEventListener('abort', stop);
    }
    await this.outbox.delivered(notification);
    return true;
  }
}
