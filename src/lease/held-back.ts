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
  readonly #takers: (() => void)[] = [];
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
    this.wake();
  }

  /** Nothing is added any more: what waits is given out, and then every taker is told that there is no more. */
  release(): void {
    this.#released = true;
    this.wake();
  }

  /** The next one as soon as it need not wait; nothing when there will be none. */
  async take(): Promise<T | undefined> {
    for (;;) {
      const first = this.#waiting[0];
      if (first === undefined && this.#released) return undefined;
      if (first !== undefined && this.due(first.dueMs)) {
        this.#waiting.shift();
        if (this.#waiting.length === 0) this.#overfull = false;
        return first.item;
      }
      if (first !== undefined)
        this.#timer ??= setTimeout(() => this.wake(), first.dueMs - this.clock.monotonicMs());
      await new Promise<void>((resolve) => this.#takers.push(resolve));
    }
  }

  private due(dueMs: number): boolean {
    return this.#released || this.#overfull || dueMs <= this.clock.monotonicMs();
  }

  private wake(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const resolve of this.#takers.splice(0)) resolve();
  }
}
