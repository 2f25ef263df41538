import { describe, expect, it } from 'vitest';
import { BrokerError } from '../../../src/kernel/broker-error.js';
import { ManualClock } from '../../../src/kernel/clock.js';
import { RandomIds, type Ids } from '../../../src/kernel/ids.js';
import { LoginWaits } from '../../../src/vault/login-waits.js';

function fixed(fraction: number): { waits: LoginWaits; clock: ManualClock } {
  const clock = new ManualClock(new Date(0));
  const ids: Ids = new RandomIds(clock);
  ids.fraction = () => fraction;
  return { waits: new LoginWaits(clock, ids), clock };
}

const outage = new BrokerError('vault_unavailable');
const denied = new BrokerError('vault_denied');

describe('LoginWaits', () => {
  it('keeps requests away from a login that was just refused, for as long as the background waits', () => {
    const { waits, clock } = fixed(0);
    expect(waits.failed(denied)).toBe(500);
    expect(() => waits.check()).toThrow(denied);
    clock.advanceMs(499);
    expect(() => waits.check()).toThrow(denied);
    clock.advanceMs(1);
    expect(() => waits.check()).not.toThrow();
  });

  it('lets requests try again soon after an outage', () => {
    const { waits, clock } = fixed(0.999);
    for (let failure = 0; failure < 20; failure += 1) waits.failed(outage);
    expect(() => waits.check()).toThrow(outage);
    clock.advanceMs(250);
    expect(() => waits.check()).not.toThrow();
  });

  it('doubles, up to a cap that is higher for refusals, with at least half of it', () => {
    for (const [error, cap] of [
      [outage, 15_000],
      [denied, 60_000],
    ] as const) {
      const { waits } = fixed(0);
      const all = Array.from({ length: 200 }, () => waits.failed(error));
      expect(all.slice(0, 4)).toEqual([500, 1_000, 2_000, 4_000]);
      expect(Math.max(...all)).toBe(cap / 2);
      expect(fixed(1 - Number.EPSILON).waits.failed(error)).toBeCloseTo(1_000);
    }
  });

  it('forgets after a success', () => {
    const { waits } = fixed(0);
    waits.failed(denied);
    waits.failed(denied);
    waits.succeeded();
    expect(() => waits.check()).not.toThrow();
    expect(waits.lastError).toBeUndefined();
    expect(waits.failed(denied)).toBe(500);
  });
});
