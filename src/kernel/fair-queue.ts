import { BrokerError } from './broker-error.js';
import type { Clock } from './clock.js';
import type { Ids } from './ids.js';

/** How much a {@link FairQueue} lets through and lets wait. */
export interface FairQueueOptions {
  /** Pieces of work that go on at the same time. */
  readonly concurrency: number;
  /** Pieces of work that may wait, of all keys together. */
  readonly queue: number;
  /** Longest wait of one. */
  readonly waitMs: number;
}

/** Why a queue refused. */
export type QueueRefusalCode = 'share_exceeded' | 'overloaded' | 'call_cancelled';

/** The queue's own refusal: the work was not begun, and nothing about it was decided. */
export class QueueRefusal extends BrokerError {}

interface Waiting {
  readonly begin: () => void;
  readonly refuse: (error: QueueRefusal) => void;
}

/** Weight of the newest piece of work in the mean duration. */
const NEWEST = 0.1;
/** Clients commonly give up rather than wait longer than ten seconds. */
const LONGEST_RETRY_SECONDS = 8;

/**
 * A bounded queue before something that takes only so much at once. Keys (a grant, say) take turns, so that a thousand
 * of one do not hold up the one of another. When all places are taken, a key with more than its share gives up its
 * newest for one with less. Whoever waits too long, or hangs up, is dropped before its work begins.
 */
export class FairQueue {
  /** In the order of their turns. */
  readonly #lines = new Map<string, Waiting[]>();
  readonly #refused = { share_exceeded: 0, overloaded: 0, call_cancelled: 0 };
  #waiting = 0;
  #running = 0;
  #meanMs = 0;

  constructor(
    private readonly options: FairQueueOptions,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Pieces of work that wait for their turn. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Pieces of work that go on. */
  get running(): number {
    return this.#running;
  }

  /** How many were refused so far, by code. */
  get refused(): Readonly<Record<QueueRefusalCode, number>> {
    return this.#refused;
  }

  /**
   * Does the work when it is its turn; resolves and rejects as the work does. Refuses with a {@link QueueRefusal} of
   * `share_exceeded` (the key has more than its share of a full queue), `overloaded` (full, or waited too long) or
   * `call_cancelled` (the signal aborted before the work began).
   */
  async run<T>(key: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (signal?.aborted === true) throw this.refusal('call_cancelled');
    if (this.#running >= this.options.concurrency) await this.turn(key, signal);
    else this.#running += 1;
    const startedMs = this.clock.monotonicMs();
    try {
      return await work();
    } finally {
      const tookMs = this.clock.monotonicMs() - startedMs;
      this.#meanMs = this.#meanMs === 0 ? tookMs : this.#meanMs * (1 - NEWEST) + tookMs * NEWEST;
      this.#running -= 1;
      this.next();
    }
  }

  /** Resolves when the place that another gave up is ours; it is counted as running by then. */
  private async turn(key: string, signal: AbortSignal | undefined): Promise<void> {
    this.makeRoom(key);
    await new Promise<void>((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', hungUp);
      };
      const ticket: Waiting = {
        begin: () => {
          settle();
          this.#running += 1;
          resolve();
        },
        refuse: (error) => {
          settle();
          reject(error);
        },
      };
      const drop = (code: 'overloaded' | 'call_cancelled'): void => {
        this.leave(key, ticket);
        ticket.refuse(this.refusal(code));
      };
      const hungUp = (): void => drop('call_cancelled');
      const timer = setTimeout(() => drop('overloaded'), this.options.waitMs);
      signal?.addEventListener('abort', hungUp, { once: true });
      const line = this.#lines.get(key);
      if (line === undefined) this.#lines.set(key, [ticket]);
      else line.push(ticket);
      this.#waiting += 1;
    });
  }

  /** Throws when there is no place for one more of this key. */
  private makeRoom(key: string): void {
    if (this.#waiting < this.options.queue) return;
    const own = this.#lines.get(key)?.length ?? 0;
    let richest = key;
    let most = own;
    for (const [other, line] of this.#lines) {
      if (line.length <= most) continue;
      richest = other;
      most = line.length;
    }
    // Two apart, or the place would only change hands between equals.
    const newest = most > own + 1 ? this.#lines.get(richest)?.at(-1) : undefined;
    if (newest === undefined) {
      const alone = this.#lines.size === (own > 0 ? 1 : 0);
      throw this.refusal(own === 0 || alone ? 'overloaded' : 'share_exceeded');
    }
    this.leave(richest, newest);
    newest.refuse(this.refusal('share_exceeded'));
  }

  private leave(key: string, ticket: Waiting): void {
    const line = this.#lines.get(key) ?? [];
    const at = line.lastIndexOf(ticket);
    if (at < 0) return;
    line.splice(at, 1);
    this.#waiting -= 1;
    if (line.length === 0) this.#lines.delete(key);
  }

  /** Gives a free place to the key whose turn it is, which then goes to the end. */
  private next(): void {
    if (this.#running >= this.options.concurrency) return;
    for (const [key, line] of this.#lines) {
      const ticket = line.shift();
      this.#lines.delete(key);
      if (ticket === undefined) continue;
      if (line.length > 0) this.#lines.set(key, line);
      this.#waiting -= 1;
      ticket.begin();
      return;
    }
  }

  private refusal(code: QueueRefusalCode): QueueRefusal {
    this.#refused[code] += 1;
    if (code === 'call_cancelled') return new QueueRefusal(code);
    return new QueueRefusal(code, { retryAfterSeconds: this.retryAfterSeconds() });
  }

  /** When those who wait now should be through, and as much again left to chance: who left together must not return so. */
  private retryAfterSeconds(): number {
    const drainSeconds = (this.#waiting * this.#meanMs) / this.options.concurrency / 1_000;
    const spread = Math.max(2, drainSeconds);
    return Math.min(LONGEST_RETRY_SECONDS, 1 + Math.floor(drainSeconds / 2 + spread * this.ids.fraction()));
  }
}
