import { expect, it } from 'vitest';
import { ManualClock } from '../../../src/kernel/clock.js';
import { Urgency } from '../../../src/kernel/urgency.js';

function turns(): { clock: ManualClock; urgency: Urgency; turn: () => number } {
  const clock = new ManualClock(new Date(0));
  const urgency = new Urgency(clock);
  let count = 0;
  const turn = urgency.givingWay(() => void (count += 1));
  return { clock, urgency, turn: () => (turn(), count) };
}

it('leaves turns out while something is urgent, also when that fails, and not after', async () => {
  const { clock, urgency, turn } = turns();
  let fail!: (error: Error) => void;
  urgency.until(new Promise((_resolve, reject) => (fail = reject)));
  urgency.until(Promise.resolve());
  clock.advanceMs(250);
  expect(turn()).toBe(0);
  await Promise.resolve();
  expect([turn(), urgency.now]).toEqual([0, true]);
  fail(new Error('the database is gone'));
  await new Promise((resolve) => setImmediate(resolve));
  expect([turn(), urgency.now]).toEqual([1, false]);
});

it('leaves out no more than a moment, however long something is urgent', () => {
  const { clock, urgency, turn } = turns();
  urgency.until(new Promise(() => undefined));
  const seen: number[] = [];
  for (let at = 0; at < 12; at += 1) {
    clock.advanceMs(250);
    seen.push(turn());
  }
  expect(seen).toEqual([0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4]);
});
