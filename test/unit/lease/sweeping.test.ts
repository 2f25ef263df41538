import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ManualClock, SystemClock } from '../../../src/kernel/clock.js';
import { ClaimQueue } from '../../../src/lease/claim-queue.js';
import { Gathered } from '../../../src/kernel/gathered.js';
import { Pace } from '../../../src/lease/pace.js';
import type { ClaimedLease } from '../../../src/lease/revocation-claims.js';

const START = new Date('2026-01-01T00:00:00Z');
const claimed = (n: number): ClaimedLease => ({ claim: String(n) }) as unknown as ClaimedLease;

describe('a pace', () => {
  it('lets no more begin in any second than it says, whenever they come', async () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 2, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(gaps, fc.integer({ min: 1, max: 50 }), async (comings, perSecond) => {
        const clock = new ManualClock(START);
        const begins: number[] = [];
        let waited = 0;
        const pace = new Pace(clock, perSecond, (ms) => Promise.resolve((waited = ms)));
        for (const gapMs of comings) {
          clock.advanceMs(gapMs);
          waited = 0;
          await pace.turn();
          begins.push(clock.monotonicMs() + waited);
        }
        begins.forEach((at, index) => {
          const inSecond = begins.slice(index).filter((other) => other - at < 999);
          expect(inSecond.length).toBeLessThanOrEqual(perSecond);
        });
      }),
    );
  });

  it('asks nobody to wait where there is no limit', async () => {
    const pace = new Pace(new ManualClock(START), undefined, () => Promise.reject(new Error('waited')));
    for (let turn = 0; turn < 100; turn += 1) await pace.turn();
  });
});

describe('a queue of claims', () => {
  it('loses no claim: each is taken or given back, and never more than asked for', async () => {
    const shape = fc.record({
      due: fc.integer({ min: 0, max: 60 }),
      lot: fc.integer({ min: 1, max: 12 }),
      ahead: fc.integer({ min: 0, max: 8 }),
      limit: fc.integer({ min: 1, max: 80 }),
      takes: fc.integer({ min: 0, max: 80 }),
    });
    await fc.assert(
      fc.asyncProperty(shape, async ({ due, lot, ahead, limit, takes }) => {
        let given = 0;
        const claim = async (size: number): Promise<ClaimedLease[]> => {
          await Promise.resolve();
          const count = Math.min(size, due - given);
          const lotOf = Array.from({ length: count }, (_, index) => claimed(given + index));
          given += count;
          return lotOf;
        };
        const queue = new ClaimQueue(claim, () => lot, ahead, limit);
        const taken = (await Promise.all(Array.from({ length: takes }, () => queue.take()))).filter(
          (lease) => lease !== undefined,
        );
        const all = [...taken, ...(await queue.rest())].map(({ claim: name }) => Number(name));
        expect(new Set(all).size).toBe(all.length);
        expect(all.length).toBe(given);
        expect(taken.length).toBe(Math.min(takes, due, limit));
        expect(given).toBeLessThanOrEqual(limit);
      }),
    );
  });

  it('hands out what was claimed before it says that claiming fails', async () => {
    let asked = 0;
    const queue = new ClaimQueue(
      (size) => {
        asked += 1;
        return asked === 1
          ? Promise.resolve(Array.from({ length: size }, (_, n) => claimed(n)))
          : Promise.reject(new Error('no database'));
      },
      () => 3,
      2,
      100,
    );
    for (let n = 0; n < 3; n += 1) expect(await queue.take()).toMatchObject({ claim: String(n) });
    await expect(queue.take()).rejects.toThrow('no database');
    expect(await queue.rest()).toEqual([]);
  });
});

describe('gathering', () => {
  it('writes a single one at once, and what comes close behind it together', async () => {
    const writes: (readonly number[])[] = [];
    const gathered = new Gathered<number>(
      new SystemClock(),
      (items) => {
        writes.push(items);
        return Promise.resolve(items.map((item) => item % 2 === 0));
      },
      30,
      64,
    );
    expect(await gathered.add(0)).toBe(true);
    const more = [1, 2, 3, 4].map((item) => gathered.add(item));
    expect(writes).toEqual([[0]]);
    expect(await Promise.all(more)).toEqual([false, true, false, true]);
    expect(writes).toEqual([[0], [1, 2, 3, 4]]);
  });

  it('waits for nothing once as many are together as it takes', async () => {
    const sizes: number[] = [];
    const gathered = new Gathered<number>(
      new ManualClock(START),
      (items) => {
        sizes.push(items.length);
        return Promise.resolve(items.map(() => true));
      },
      60_000,
      5,
    );
    await Promise.all(Array.from({ length: 11 }, (_, n) => gathered.add(n)));
    expect(sizes).toEqual([1, 5, 5]);
  });

  it('tells all of a write that it failed, and goes on with the next', async () => {
    let broken = true;
    const gathered = new Gathered<number>(
      new SystemClock(),
      (items) => (broken ? Promise.reject(new Error('no database')) : Promise.resolve(items.map(() => true))),
      5,
      64,
    );
    await expect(gathered.add(1)).rejects.toThrow('no database');
    broken = false;
    expect(await gathered.add(2)).toBe(true);
  });
});
