import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { handoverOf, mayPass, rotationRetryMs } from '../../../src/sdk/handover-schedule.js';
import { LeasegateError } from '../../../src/sdk/leasegate-error.js';

const fraction = fc.double({ min: 0, max: 0.999_999, noNaN: true });
const ms = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });

describe('a handover', () => {
  it('uses a credential for a third of its life, and leaves time for trouble and for the overlap', () => {
    fc.assert(
      fc.property(
        ms(86_400_000),
        ms(7_200_000),
        ms(7_200_000),
        fraction,
        (life, overlapMs, handoverMs, by) => {
          const { rotateInMs, overlapMs: kept } = handoverOf(life, { overlapMs, handoverMs }, by);
          const windowMs = Math.min(handoverMs, life / 3);
          expect(rotateInMs).toBeGreaterThanOrEqual(life / 3 - 0.001);
          expect(kept).toBe(Math.min(overlapMs, life / 3));
          expect(life - kept - rotateInMs).toBeGreaterThanOrEqual(windowMs / 2 - 0.001);
        },
      ),
    );
  });

  it('is spread over half of the window', () => {
    const wishes = { overlapMs: 60_000, handoverMs: 300_000 };
    expect(handoverOf(3_600_000, wishes, 0).rotateInMs).toBe(3_240_000);
    expect(handoverOf(3_600_000, wishes, 0.5).rotateInMs).toBe(3_315_000);
  });
});

describe('a further attempt', () => {
  it('comes before the credential is dead, unless the broker asked for more time', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), ms(86_400_000), fraction, (failures, remaining, by) => {
        const wait = rotationRetryMs(failures, remaining, by, undefined);
        expect(wait).toBeGreaterThanOrEqual(200);
        expect(wait).toBeLessThanOrEqual(remaining > 0 ? Math.max(200, remaining / 4) : 30_000);
        expect(wait).toBeLessThanOrEqual(30_000);
      }),
    );
  });

  it('keeps to Retry-After, with chance added', () => {
    expect(rotationRetryMs(1, 60_000, 0, 20_000)).toBe(20_000);
    expect(rotationRetryMs(1, 60_000, 0.5, 20_000)).toBe(22_500);
  });
});

it.each([
  ['run_closed', 403, false],
  ['credential_not_granted', 403, false],
  ['vault_refused', 502, false],
  ['vault_sealed', 503, true],
  ['rate_limited', 429, true],
  ['token_expired', 400, true],
  ['identity_source_failed', 0, true],
])('%s may pass: %s', (code, status, expected) => {
  expect(mayPass(new LeasegateError({ code, status: Number(status), detail: '' }))).toBe(expected);
});
