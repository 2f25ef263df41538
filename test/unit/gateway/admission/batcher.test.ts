import { describe, expect, test } from 'vitest';
import { Batcher, type BatcherOptions } from '../../../../src/gateway/admission/batcher.js';

const LATE = new Error('late');
const OPTIONS: BatcherOptions = {
  largest: 4,
  queue: 6,
  timeoutMs: 5_000,
  late: () => LATE,
  divisible: (error) => error instanceof RangeError,
};

/** Work that a test lets go on. */
class Held {
  readonly groups: (readonly number[])[] = [];
  readonly #going: (() => void)[] = [];

  readonly work = (items: readonly number[]): Promise<readonly number[]> => {
    this.groups.push(items);
    return new Promise((resolve) => this.#going.push(() => resolve(items.map((item) => item * 10))));
  };

  async next(): Promise<void> {
    while (this.#going.length === 0) await new Promise((resolve) => setImmediate(resolve));
    this.#going.shift()?.();
  }
}

describe('a batcher', () => {
  test('refuses what its queue does not hold, and takes more when there is room', async () => {
    const held = new Held();
    const batcher = new Batcher(held.work, OPTIONS);
    const first = batcher.add(1);
    while (held.groups.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const queued = [2, 3, 4, 5, 6, 7].map((item) => batcher.add(item));
    await expect(batcher.add(8)).rejects.toMatchObject({
      code: 'gateway_overloaded',
      status: 503,
      retryAfterSeconds: 1,
    });
    await held.next();
    expect(await first).toBe(10);
    while (batcher.waiting > 4) await new Promise((resolve) => setImmediate(resolve));
    const later = batcher.add(9);
    await held.next();
    await held.next();
    expect(await Promise.all([...queued, later])).toEqual([20, 30, 40, 50, 60, 70, 90]);
    expect(held.groups).toEqual([[1], [2, 3, 4, 5], [6, 7, 9]]);
  });

  test('takes what comes in one turn of the event loop together', async () => {
    const held = new Held();
    const batcher = new Batcher(held.work, OPTIONS);
    const both = [batcher.add(1), Promise.resolve().then(() => batcher.add(2))];
    await held.next();
    expect(await Promise.all(both)).toEqual([10, 20]);
    expect(held.groups).toEqual([[1, 2]]);
  });

  test('finds the one that is to blame, and does the others', async () => {
    const work = (items: readonly number[]): Promise<readonly number[]> =>
      items.includes(3) ? Promise.reject(new RangeError('3')) : Promise.resolve(items);
    const batcher = new Batcher(work, OPTIONS);
    const outcomes = await Promise.allSettled([1, 2, 3, 4].map((item) => batcher.add(item)));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  });

  test('fails a group as a whole when none of it is to blame, and goes on', async () => {
    let fails = true;
    const work = (items: readonly number[]): Promise<readonly number[]> =>
      fails ? Promise.reject(new Error('gone')) : Promise.resolve(items);
    const batcher = new Batcher(work, OPTIONS);
    const outcomes = await Promise.allSettled([1, 2].map((item) => batcher.add(item)));
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    fails = false;
    expect(await batcher.add(3)).toBe(3);
  });

  test('gives up a group that takes too long, and goes on with the next', async () => {
    let first = true;
    const work = (items: readonly number[]): Promise<readonly number[]> => {
      if (!first) return Promise.resolve(items);
      first = false;
      return new Promise(() => undefined);
    };
    const batcher = new Batcher(work, { ...OPTIONS, timeoutMs: 20 });
    await expect(batcher.add(1)).rejects.toBe(LATE);
    expect(await batcher.add(2)).toBe(2);
  });
});
