import type { Clock } from '../kernel/clock.js';

/** How long things are held back, and how many. */
export interface HoldBack {
  readonly waitMs: number;
  readonly most: number;
}

/**
 * A queue of work that can wait while there is work that cannot: things are given out once {@link release} was called,
 * when they have waited for `waitMs`, and all of them when more than `most` wait: many at a time cost less each.
 */
export class HeldBack<T> {
  readonly #waiting: { readonly item: T; readonly dueMs: number }[] = [];
  readonly #takers: ((item: T | undefined) => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #released = false;
  #overfull = false;

  constructor(
    private readonly clock: Clock,
    private readonly bounds: HoldBack,
  ) {}

  add(item: T): void {
    this.#waiting.push({ item, dueMs: this.clock.monotonicMs() + this.bounds.waitMs });
    if (this.#waiting.length > this.bounds.most) this.#overfull = true;
    this.giveOut();
  }

  /** Nothing is added any more: what waits is given out, and then every taker is told that there is no more. */
  release(): void {
    this.#released = true;
    clearTimeout(this.#timer);
    this.giveOut();
  }

  /** The next one as soon as it need not wait; nothing when there will be none. */
  take(): Promise<T | undefined> {
    return new Promise((resolve) => {
      this.#takers.push(resolve);
      this.giveOut();
    });
  }

  private giveOut(): void {
    // Takers wait by the hundred: none is woken for nothing.
    while (this.#takers.length > 0 && this.firstIsDue()) this.#takers.shift()?.(this.next());
    if (this.#released && this.#waiting.length === 0)
      for (const done of this.#takers.splice(0)) done(undefined);
    const [first] = this.#waiting;
    if (first === undefined || this.#takers.length === 0) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.giveOut();
    }, first.dueMs - this.clock.monotonicMs());
  }

  private next(): T | undefined {
    const first = this.#waiting.shift();
    if (this.#waiting.length === 0) this.#overfull = false;
    return first?.item;
  }

  private firstIsDue(): boolean {
    const [first] = this.#waiting;
    if (first === undefined) return false;
    return this.#released || this.#overfull || first.dueMs <= this.clock.monotonicMs();
  }
}
