import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRetryAfterMs, retryDelayMs } from '../../../src/sdk/retry.js';

const POLICY = { attempts: 4, baseMs: 100, maxMs: 1_000 };

describe('retryDelayMs', () => {
  it('ends after the last attempt', () => {
    expect(retryDelayMs(POLICY, 4, 0, undefined)).toBeUndefined();
  });

  it('does not wait for a Retry-After that is too long', () => {
    expect(retryDelayMs(POLICY, 1, 0, 1_001)).toBeUndefined();
  });

  it('is never shorter than Retry-After and never longer than the longest wait', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.option(fc.integer({ min: 0, max: 1_000 }), { nil: undefined }),
        (attempt, fraction, retryAfterMs) => {
          const delayMs = retryDelayMs(POLICY, attempt, fraction, retryAfterMs) ?? NaN;
          expect(delayMs).toBeGreaterThanOrEqual(retryAfterMs ?? (100 * 2 ** (attempt - 1)) / 2);
          expect(delayMs).toBeLessThanOrEqual(1_000);
        },
      ),
    );
  });
});

describe('parseRetryAfterMs', () => {
  const nowMs = Date.parse('2026-11-21T12:00:00Z');
  it.each([null, '', 'soon', '-1', '1.5', '99999999999999'])('takes nothing from %j', (header) => {
    expect(parseRetryAfterMs(header, nowMs) ?? 0).toBe(0);
  });
  it('reads seconds and dates', () => {
    expect(parseRetryAfterMs('7', nowMs)).toBe(7_000);
    expect(parseRetryAfterMs('Sat, 21 Nov 2026 12:00:09 GMT', nowMs)).toBe(9_000);
    expect(parseRetryAfterMs('Sat, 21 Nov 2026 11:00:00 GMT', nowMs)).toBe(0);
  });
});
