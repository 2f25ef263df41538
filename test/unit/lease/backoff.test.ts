import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alertDue, backoffMs } from '../../../src/lease/backoff.js';

const limits = { backoffBaseMs: 1_000, backoffMaxMs: 300_000 };
const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('back-off', () => {
  it.each([0, -1, 1.5, Number.NaN])('refuses to count %s attempts', (attempts) => {
    expect(() => backoffMs(attempts, limits, 0)).toThrow(RangeError);
  });

  it('is between half of the doubled wait and all of it, and never above the cap', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.integer({ min: 100, max: 60_000 }),
        fc.integer({ min: 0, max: 3_600_000 }),
        fraction,
        (attempts, backoffBaseMs, above, part) => {
          const backoffMaxMs = backoffBaseMs + above;
          const wait = backoffMs(attempts, { backoffBaseMs, backoffMaxMs }, part);
          const full = Math.min(backoffBaseMs * 2 ** Math.min(attempts - 1, 40), backoffMaxMs);
          expect(Number.isSafeInteger(wait)).toBe(true);
          expect(wait).toBeGreaterThanOrEqual(full / 2);
          expect(wait).toBeLessThanOrEqual(Math.ceil(full));
        },
      ),
    );
  });

  it('never shrinks while attempts grow', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fraction, (attempts, part) => {
        expect(backoffMs(attempts + 1, limits, part)).toBeGreaterThanOrEqual(
          backoffMs(attempts, limits, part),
        );
      }),
    );
  });
});

describe('telling somebody', () => {
  it('is silent below the limit', () => {
    for (let attempts = 1; attempts < 5; attempts += 1) expect(alertDue(attempts, 5)).toBe(false);
  });

  it('tells at the limit and at each power of two after it, for ever', () => {
    const told = Array.from({ length: 300 }, (_, index) => index + 1).filter((n) => alertDue(n, 5));
    expect(told).toEqual([5, 8, 16, 32, 64, 128, 256]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 0, max: 30 }), (limit, power) => {
        if (2 ** power >= limit) expect(alertDue(2 ** power, limit)).toBe(true);
      }),
    );
  });
});
