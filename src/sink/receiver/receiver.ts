import { DeliveryError } from '../../alert/channel/channel.js';
import type { SinkEvent } from '../sink-event.js';

/**
 * The receiver answered, and would not take what it was sent: trying the same again may be in vain, and trying it
 * without one event may not. Every other failure is the receiver's, and says nothing of the events.
 */
export class RefusedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RefusedError';
  }
}

/** Where a sink sends to. */
export abstract class Receiver {
  /**
   * Delivers events in this order; resolves only when the receiver has taken all of them. Throws {@link RefusedError}
   * when it would not have them, anything else when nobody knows: then all of them are delivered again.
   */
  abstract deliver(events: readonly SinkEvent[], signal: AbortSignal): Promise<void>;

  /** Closes what is open. */
  async close(): Promise<void> {}
}

// 500 among them: many receivers answer that to what they cannot read. Whether it is the event or the receiver is
// found out by sending others.
const ABOUT_THE_EVENT: readonly number[] = [400, 406, 409, 411, 413, 414, 415, 422, 500, 501];

/** Tells answers about the events from those about the receiver. */
export function judged(error: unknown): unknown {
  return error instanceof DeliveryError &&
    error.status !== undefined &&
    ABOUT_THE_EVENT.includes(error.status)
    ? new RefusedError(error.message)
    : error;
}
