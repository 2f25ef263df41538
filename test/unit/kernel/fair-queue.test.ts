import { setImmediate as tick } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/kernel/clock.js';
import { FairQueue, type FairQueueOptions, QueueRefusal } from '../../../src/kernel/fair-queue.js';
import { RandomIds } from '../../../src/kernel/ids.js';

const clock = new ManualClock(new Date(0));

function queueOf(options: Partial<FairQueueOptions> = {}): FairQueue {
  return new FairQueue({ concurrency: 1, queue: 4, waitMs: 60_000, ...options }, clock, new RandomIds(clock));
}

/** Work that ends when it is told to. */
class Held {
  readonly begun: string[] = [];
  readonly refused: (readonly [string, string])[] = [];
  readonly #ends: (() => void)[] = [];

  constructor(readonly queue: FairQueue) {}

  add(key: string, signal?: AbortSignal): void {
    this.queue
      .run(
        key,
        () => {
          this.begun.push(key);
          return new Promise<void>((resolve) => this.#ends.push(resolve));
        },
        signal,
      )
      .catch((error: unknown) => this.refused.push([key, (error as QueueRefusal).code]));
  }

  async endOne(): Promise<void> {
    this.#ends.shift()?.();
    await tick();
  }
}

describe('what is refused', () => {
  it('is the newest of all when one key has the whole queue', async () => {
    const held = new Held(queueOf({ queue: 2 }));
    for (let i = 0; i < 4; i += 1) held.add('a');
    await tick();
    expect(held.refused).toEqual([['a', 'overloaded']]);
  });

  it('is the newest of the longest line, when one with less comes to a full queue', async () => {
    const held = new Held(queueOf());
    for (const key of ['a', 'a', 'a', 'a', 'a', 'b']) held.add(key);
    await tick();
    expect(held.refused).toEqual([['a', 'share_exceeded']]);
    held.add('a');
    await tick();
    expect(held.refused[1]).toEqual(['a', 'share_exceeded']);
  });

  it('is one without a place when all have as few as it would', async () => {
    const held = new Held(queueOf({ queue: 2 }));
    for (const key of ['a', 'a', 'b', 'c']) held.add(key);
    await tick();
    expect(held.refused).toEqual([['c', 'overloaded']]);
  });

  it('is what waited too long, and its work never begins', async () => {
    const held = new Held(queueOf({ waitMs: 10 }));
    held.add('a');
    held.add('b');
    await expect.poll(() => held.refused).toEqual([['b', 'overloaded']]);
    await held.endOne();
    expect(held.begun).toEqual(['a']);
    expect(held.queue).toMatchObject({ waiting: 0, running: 0 });
  });

  it('is what nobody waits for any more, and its work never begins', async () => {
    const held = new Held(queueOf());
    const hangUp = new AbortController();
    held.add('a');
    held.add('b', hangUp.signal);
    await tick();
    hangUp.abort();
    await tick();
    expect(held.refused).toEqual([['b', 'call_cancelled']]);
    held.add('c', AbortSignal.abort());
    await tick();
    expect(held.refused[1]).toEqual(['c', 'call_cancelled']);
    await held.endOne();
    expect(held.begun).toEqual(['a']);
    expect(held.queue.refused).toEqual({ call_cancelled: 2, overloaded: 0, share_exceeded: 0 });
  });

  it('is told when to come again, and not all at once', async () => {
    const queue = queueOf({ concurrency: 2, queue: 1 });
    await queue.run('a', () => Promise.resolve(clock.advanceMs(4_000)));
    const held = new Held(queue);
    for (const key of ['a', 'a', 'a']) held.add(key);
    const waits = new Set<number>();
    for (let i = 0; i < 100; i += 1) {
      const refusal = await queue.run('a', () => Promise.resolve()).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(QueueRefusal);
      waits.add((refusal as QueueRefusal).retryAfterSeconds ?? 0);
    }
    expect(waits.size).toBeGreaterThan(1);
    for (const wait of waits) expect(wait).toBeGreaterThanOrEqual(1);
    expect(Math.max(...waits)).toBeLessThanOrEqual(8);
  });
});

describe('turns', () => {
  it('go round the keys, however many one of them has', async () => {
    const held = new Held(queueOf({ queue: 100 }));
    for (let i = 0; i < 50; i += 1) held.add('a');
    for (const key of ['b', 'b', 'c']) held.add(key);
    for (let i = 0; i < 6; i += 1) await held.endOne();
    expect(held.begun).toEqual(['a', 'a', 'b', 'c', 'a', 'b', 'a']);
  });

  it('pass on what the work gave or threw', async () => {
    const queue = queueOf();
    await expect(queue.run('a', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(await queue.run('a', () => Promise.resolve(7))).toBe(7);
  });
});

type Step = { readonly add: string } | { readonly hangUp: number } | { readonly end: true };

const steps = fc.array(
  fc.oneof<fc.Arbitrary<Step>[]>(
    fc.record({ add: fc.constantFrom('a', 'b', 'c', 'd') }),
    fc.record({ hangUp: fc.nat(40) }),
    fc.record({ end: fc.constant(true as const) }),
  ),
  { maxLength: 120 },
);

describe('whatever comes', () => {
  it('never more goes on or waits than may, each request ends once, and nothing is left behind', async () => {
    await fc.assert(
      fc.asyncProperty(
        steps,
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 6 }),
        async (plan, concurrency, places) => {
          const queue = queueOf({ concurrency, queue: places });
          const held = new Held(queue);
          const hangUps: AbortController[] = [];
          let added = 0;
          for (const step of plan) {
            if ('add' in step) {
              const hangUp = new AbortController();
              hangUps.push(hangUp);
              held.add(step.add, hangUp.signal);
              added += 1;
            } else if ('hangUp' in step) hangUps[step.hangUp]?.abort();
            else await held.endOne();
            await tick();
            expect(queue.running).toBeLessThanOrEqual(concurrency);
            expect(queue.waiting).toBeLessThanOrEqual(places);
            // Nobody waits while there is room to work.
            if (queue.waiting > 0) expect(queue.running).toBe(concurrency);
          }
          for (let i = 0; i < added; i += 1) await held.endOne();
          expect(held.begun.length + held.refused.length).toBe(added);
          expect(queue).toMatchObject({ waiting: 0, running: 0 });
        },
      ),
      { seed: 5, numRuns: 60 },
    );
  });

  it('a key that waits is served before any other twice', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 60 }),
        async (keys) => {
          const held = new Held(queueOf({ queue: 100 }));
          held.add('first');
          keys.forEach((key) => held.add(key));
          for (let i = 0; i < keys.length; i += 1) await held.endOne();
          const served = held.begun.slice(1);
          const left = new Map<string, number>();
          for (const key of keys) left.set(key, (left.get(key) ?? 0) + 1);
          while (served.length > 0) {
            const round = new Set([...left].filter(([, count]) => count > 0).map(([key]) => key));
            expect(new Set(served.splice(0, round.size))).toEqual(round);
            for (const key of round) left.set(key, (left.get(key) ?? 0) - 1);
          }
        },
      ),
      { seed: 6, numRuns: 60 },
    );
  });
});
