import { expect, it, vi, beforeEach, afterEach } from 'vitest';
import { HeldBack } from '../../../src/lease/held-back.js';
import { ManualClock } from '../../../src/kernel/clock.js';

let clock: ManualClock;
beforeEach(() => {
  vi.useFakeTimers();
  clock = new ManualClock(new Date(0));
});
afterEach(() => void vi.useRealTimers());

async function passes(milliseconds: number): Promise<void> {
  clock.advanceMs(milliseconds);
  await vi.advanceTimersByTimeAsync(milliseconds);
}

/** Takers that note what they were given. */
function takers(held: HeldBack<number>, count: number): (number | undefined)[] {
  const given: (number | undefined)[] = [];
  for (let taker = 0; taker < count; taker += 1) void held.take().then((item) => given.push(item));
  return given;
}

it('gives each thing to one taker when it has waited long enough, in the order in which they came', async () => {
  const held = new HeldBack<number>(clock, { waitMs: 100, most: 10 });
  const given = takers(held, 5);
  held.add(1);
  await passes(40);
  held.add(2);
  await passes(59);
  expect(given).toEqual([]);
  await passes(1);
  expect(given).toEqual([1]);
  await passes(40);
  expect(given).toEqual([1, 2]);
});

it('gives out all of them when too many wait, and holds the next back again', async () => {
  const held = new HeldBack<number>(clock, { waitMs: 100, most: 2 });
  const given = takers(held, 9);
  for (const item of [1, 2, 3]) held.add(item);
  await passes(0);
  expect(given).toEqual([1, 2, 3]);
  held.add(4);
  await passes(99);
  expect(given).toEqual([1, 2, 3]);
});

it('waits for nothing once it was released, tells every taker that there is no more, and leaves no timer', async () => {
  const held = new HeldBack<number>(clock, { waitMs: 100, most: 10 });
  const given = takers(held, 3);
  held.add(1);
  held.release();
  await passes(0);
  expect(given).toEqual([1, undefined, undefined]);
  expect(await held.take()).toBeUndefined();
  expect(vi.getTimerCount()).toBe(0);
});
