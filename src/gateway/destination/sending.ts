import { BrokerError } from '../../kernel/broker-error.js';
import type { Exchange } from './exchange.js';
import { refusal } from './fault.js';

/** What a sending is bounded by. */
export interface SendingBounds {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly onSent?: (() => void) | undefined;
}

/**
 * One call on its way out: its deadline, its signal, and the exchange that is under way, which both of them end. Lives
 * until the body of the answer ended.
 */
export class Sending {
  readonly #timer: NodeJS.Timeout;
  readonly #onAbort: () => void;
  readonly #never: Promise<never>;
  #fail!: (reason: Error) => void;
  #exchange: Exchange | undefined;
  #reason: Error | undefined;
  #sent = false;
  #held = false;

  constructor(
    private readonly bounds: SendingBounds,
    host: string,
  ) {
    const { signal, timeoutMs } = bounds;
    this.#never = new Promise((_, reject) => (this.#fail = reject));
    this.#never.catch(() => undefined);
    this.#onAbort = () => this.#endWith(reasonOf(signal));
    this.#timer = setTimeout(
      () => this.#endWith(refusal('upstream_timeout', host, `no end in ${timeoutMs} ms`)),
      timeoutMs,
    );
    if (signal.aborted) this.#onAbort();
    else signal.addEventListener('abort', this.#onAbort);
  }

  /** Whether deadline or signal ended it. */
  get ended(): boolean {
    return this.#reason !== undefined;
  }

  /** Waits for something, and no longer than the call lives. */
  race<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([this.#never, promise]);
  }

  /** An exchange is the one under way now. */
  begin(exchange: Exchange): void {
    this.#exchange = exchange;
    if (this.#reason !== undefined) exchange.abort(this.#reason);
  }

  /** Something is about to leave. */
  sent(): void {
    if (this.#sent) return;
    this.#sent = true;
    this.bounds.onSent?.();
  }

  /** The answer goes to the caller; deadline and signal stay until its body ended. */
  hold(): void {
    this.#held = true;
    if (this.#exchange?.ended !== false) this.done();
  }

  /** An exchange came to its end. */
  exchangeEnded(): void {
    if (this.#held) this.done();
  }

  /** Lets go of deadline and signal. */
  done(): void {
    clearTimeout(this.#timer);
    this.bounds.signal.removeEventListener('abort', this.#onAbort);
  }

  /** What ended the call early, or else the error. */
  reasonOr(error: unknown): unknown {
    return this.#reason ?? error;
  }

  #endWith(reason: Error): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#fail(reason);
    this.#exchange?.abort(reason);
  }
}

function reasonOf({ reason }: AbortSignal): Error {
  if (reason instanceof Error) return reason;
  return new BrokerError('upstream_timeout', { detail: 'The call was given up.' });
}
