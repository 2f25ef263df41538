import { BrokerError } from '../../kernel/broker-error.js';

/** Does the work of one group; answers one result for each item, in the same order. */
export type GroupWork<Item, Result> = (items: readonly Item[]) => Promise<readonly Result[]>;

/** How a {@link Batcher} groups. */
export interface BatcherOptions {
  /** The most items of one group. */
  readonly largest: number;
  /** How many items may wait; more are refused with `gateway_overloaded`. */
  readonly queue: number;
  /** How long a group may take until those in it are given up, with the error that `late` makes. */
  readonly timeoutMs: number;
  readonly late: () => Error;
  /** Whether a group that failed like this should be tried again in halves, because one item may be to blame. */
  readonly divisible: (error: unknown) => boolean;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Group commit: what arrives while a group is on its way goes together in the next one. The first goes at once, so an
 * idle gateway adds nothing, and a busy one shares each commit among all that wait.
 */
export class Batcher<Item, Result> {
  #waiting: Waiting<Item, Result>[] = [];
  #working = false;

  constructor(
    private readonly work: GroupWork<Item, Result>,
    private readonly options: BatcherOptions,
  ) {}

  /** How many items wait for the next group. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Adds an item; resolves or rejects with what became of it. Refuses with `gateway_overloaded`. */
  add(item: Item): Promise<Result> {
    if (this.#waiting.length >= this.options.queue) {
      return Promise.reject(new BrokerError('gateway_overloaded', { retryAfterSeconds: 1 }));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (this.#working) return;
      this.#working = true;
      // Behind what the event loop has read already: requests that came together go together.
      setImmediate(() => void this.drain());
    });
  }

  private async drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.settle(this.#waiting.splice(0, this.options.largest));
    }
    this.#working = false;
  }

  /** Never rejects: whatever happens is the answer of those in the group. */
  private async settle(group: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.inTime(this.work(group.map(({ item }) => item)));
      group.forEach(({ resolve, reject }, index) => {
        const result = results[index];
        if (result === undefined) reject(new Error('a group was answered in part'));
        else resolve(result);
      });
    } catch (error) {
      if (group.length > 1 && this.options.divisible(error)) {
        const middle = group.length >> 1;
        await this.settle(group.slice(0, middle));
        await this.settle(group.slice(middle));
        return;
      }
      for (const { reject } of group) reject(error);
    }
  }

  // A connection that hangs without breaking must not hold up everything that comes after.
  private async inTime(work: Promise<readonly Result[]>): Promise<readonly Result[]> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(this.options.late()), this.options.timeoutMs);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
