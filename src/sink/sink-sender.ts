import { Injectable } from '@nestjs/common';
import { DeliveryError } from '../alert/channel/channel.js';
import { crashPoint } from '../kernel/crash-point.js';
import { Ids } from '../kernel/ids.js';
import { safeErrorText } from '../kernel/safe-error.js';
import { Settings } from '../settings/schema.js';
import { LetterRows } from './letter-rows.js';
import { RefusedError } from './receiver/receiver.js';
import type { SinkEvent } from './sink-event.js';
import { SinkLog } from './sink-log.js';
import { SinkLostError, SinkRows, type DeadEvent, type HeldSink } from './sink-rows.js';
import type { SinkTarget } from './sink-targets.js';

const FIRST_WAIT_MS = 1_000;
/** Letters that are tried again before the log is looked at. */
const LETTERS_A_RUN = 50;

/** A sink whose sender says when it got on. */
interface Watched extends SinkTarget {
  readonly progress: () => void;
}

/**
 * Sends the log on to one receiver, at least once and in order. No connection to the database is held while a receiver
 * is waited for.
 */
@Injectable()
export class SinkSender {
  constructor(
    private readonly settings: Settings,
    private readonly rows: SinkRows,
    private readonly letters: LetterRows,
    private readonly log: SinkLog,
    private readonly ids: Ids,
  ) {}

  /** Sends what there is until the end of the log, a failure, or the signal; answers how many events were taken. */
  async follow(
    asked: SinkTarget,
    signal: AbortSignal,
    progress: () => void = () => undefined,
  ): Promise<number> {
    const target: Watched = { ...asked, progress };
    let held = await this.rows.take(target.sink.name, target.sink.kind);
    if (held === undefined) return 0;
    // After a failure with the least that can tell whose it is; more again as it goes well.
    let limit = held.attempts > 0 ? 1 : target.sink.batch;
    let taken = 0;
    try {
      taken += await this.retry(target, signal);
      while (!signal.aborted) {
        progress();
        const page = await this.log.page(held.nextIndex, limit, target.kinds);
        if (page === undefined) return taken;
        if (page.first > held.nextIndex) {
          held = await this.rows.missed(held, page.first);
          continue;
        }
        try {
          await this.deliver(target, page.events, signal);
        } catch (error) {
          if (!(error instanceof RefusedError)) throw error;
          if (page.events.length > 1) {
            limit = Math.floor(page.events.length / 2);
            continue;
          }
          const moved = await this.putAside(target, held, error, signal);
          if (moved === undefined) throw error;
          held = moved;
          continue;
        }
        crashPoint('sink.delivered');
        held = await this.rows.delivered(held, page.to, page.events.length);
        crashPoint('sink.moved');
        taken += page.events.length;
        limit = Math.min(target.sink.batch, limit * 2);
      }
    } catch (error) {
      // What ended because the replica stops, or lost the sink, is no failure of the receiver.
      if (error instanceof SinkLostError || signal.aborted) return taken;
      await this.failed(held, error);
    }
    return taken;
  }

  /**
   * The first event is refused again and again. It is put aside once the receiver takes a later one: a receiver that
   * refuses everything is at fault itself, and nothing is put aside for it.
   */
  private async putAside(
    target: Watched,
    held: HeldSink,
    refused: RefusedError,
    signal: AbortSignal,
  ): Promise<HeldSink | undefined> {
    const attempts = held.attempts + 1;
    if (attempts < this.settings.values.sinks.deadLetterAfterAttempts) return undefined;
    const page = await this.log.page(held.nextIndex, target.sink.batch, target.kinds);
    const [first, ...others] = page?.events ?? [];
    if (first === undefined) return undefined;
    const dead: DeadEvent[] = [{ event: first, error: refused.message, attempts }];
    for (const event of others) {
      try {
        await this.deliver(target, [event], signal);
        crashPoint('sink.letter.refused');
        const moved = await this.rows.putAside(held, dead, event.index + 1, 1);
        crashPoint('sink.letter.buried');
        return moved;
      } catch (error) {
        if (!(error instanceof RefusedError)) throw error;
        dead.push({ event, error: error.message, attempts: 1 });
      }
    }
    return undefined;
  }

  private async retry(target: Watched, signal: AbortSignal): Promise<number> {
    let taken = 0;
    for (const { id, event } of await this.letters.waiting(target.sink.name, LETTERS_A_RUN)) {
      if (signal.aborted) break;
      try {
        await this.deliver(target, [event], signal);
        crashPoint('sink.letter.delivered');
        await this.letters.delivered(id);
        taken += 1;
      } catch (error) {
        if (!(error instanceof RefusedError)) throw error;
        await this.letters.refused(id, error.message);
      }
    }
    return taken;
  }

  private async deliver(
    { receiver, progress }: Watched,
    events: readonly SinkEvent[],
    signal: AbortSignal,
  ): Promise<void> {
    if (events.length === 0) return;
    const limit = AbortSignal.timeout(this.settings.values.sinks.timeoutMs);
    await receiver.deliver(events, AbortSignal.any([signal, limit]));
    progress();
  }

  private async failed(held: HeldSink, error: unknown): Promise<void> {
    const longestMs = this.settings.values.sinks.backoffMaxSeconds * 1_000;
    const backoffMs = Math.min(longestMs, FIRST_WAIT_MS * 2 ** Math.min(held.attempts, 30));
    const asked = error instanceof DeliveryError ? Math.min(error.retryAfterMs, longestMs) : 0;
    const waitMs = Math.max(backoffMs * (0.5 + this.ids.fraction() / 2), asked);
    const known = error instanceof DeliveryError || error instanceof RefusedError;
    const reason = known ? error.message : safeErrorText(error);
    try {
      await this.rows.failed(held, reason, error instanceof RefusedError, waitMs);
    } catch (lost) {
      if (!(lost instanceof SinkLostError)) throw lost;
    }
  }
}
