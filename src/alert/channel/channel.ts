import type { Notification } from '../notification.js';

/** A delivery that failed. Its message is kept and shown: it has no URL, no body and no secret in it. */
export class DeliveryError extends Error {
  constructor(
    message: string,
    /** How long the receiver asked to be left alone. */
    readonly retryAfterMs = 0,
    /** What the receiver answered; undefined when it did not. */
    readonly status?: number,
  ) {
    super(message);
    this.name = 'DeliveryError';
  }
}

/** A way to tell somebody. */
export abstract class Channel {
  /** As rules and the outbox call it. */
  abstract readonly name: string;

  /**
   * Delivers one notification; resolves only when the receiver has taken it. Throws {@link DeliveryError} when it has
   * not, or when nobody knows: then it is delivered again under the same id.
   */
  abstract deliver(notification: Notification, signal: AbortSignal): Promise<void>;

  /** Closes what is connected. */
  async close(): Promise<void> {}
}
