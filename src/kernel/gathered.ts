import type { Clock } from './clock.js';

interface Waiting<T> {
  readonly item: T;
  readonly resolve: (done: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Writes what comes close together in one go. The first is written at once; what comes within `gapMs` of the last
 * write waits for the gap to end, or until `most` are together. So a single one is as fast as ever, and many cost little.
 */
export class Gathered<T> {
  #waiting: Waiting<T>[] = [];
  #timer: NodeJS.Timeout | undefined;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** `write` answers for each item, in their order, whether it was done. What it throws, all of that write get. */
  constructor(
    private readonly clock: Clock,
    private readonly write: (items: readonly T[]) => Promise<readonly boolean[]>,
    private readonly gapMs: number,
    private readonly most: number,
  ) {}

  /** Whether it was done, once it is written. */
  add(item: T): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      // Never more than the gap, also where a clock was set: nothing else would write what waits.
      const leftMs = Math.min(this.gapMs, this.#lastMs + this.gapMs - this.clock.monotonicMs());
      if (leftMs <= 0 || this.#waiting.length >= this.most) this.flush();
      else this.#timer ??= setTimeout(() => this.flush(), leftMs);
    });
  }

  private flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#lastMs = this.clock.monotonicMs();
    const batch = this.#waiting.splice(0);
    void this.write(batch.map(({ item }) => item)).then(
      (done) => batch.forEach(({ resolve }, at) => resolve(done[at] === true)),
      (error: unknown) => batch.forEach(({ reject }) => reject(error)),
    );
  }
}
