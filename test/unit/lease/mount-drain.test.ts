import pLimit from 'p-limit';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/kernel/clock.js';
import { CircuitBreaker } from '../../../src/lease/circuit-breaker.js';
import { ClaimQueue } from '../../../src/lease/claim-queue.js';
import { drainMount } from '../../../src/lease/mount-drain.js';
import type { MountLane } from '../../../src/lease/mount-lanes.js';
import { Pace } from '../../../src/lease/pace.js';
import type { RevocationAttempts } from '../../../src/lease/revocation-attempts.js';
import type { ClaimedLease } from '../../../src/lease/revocation-claims.js';
import { everythingDue, unhandledRejections } from '../../support/unhandled.js';

describe('a drain whose database fails', () => {
  it.each([
    ['after the probe of a mount that was down', 5],
    ['while the mount is well', 0],
  ])('ends with that failure when what goes on is over, %s', async (_when, failures) => {
    const unhandled = unhandledRejections();
    const clock = new ManualClock(new Date('2026-01-01T00:00:00Z'));
    const breaker = new CircuitBreaker(clock, { failures: 5, openMs: 1_000 });
    for (let failure = 0; failure < failures; failure += 1) breaker.failed();
    clock.advanceMs(1_000);
    expect(breaker.halfOpen).toBe(failures > 0);
    const lane: MountLane = {
      mount: 'database',
      concurrency: 1,
      limit: pLimit(1),
      aside: pLimit(1),
      pace: new Pace(clock, undefined),
      breaker,
      lot: 2,
    };
    let goOn!: () => void;
    const second = new Promise<boolean>((resolve) => (goOn = () => resolve(true)));
    const seen: string[] = [];
    const attempts = {
      atTarget: async ({ claim }: ClaimedLease) => {
        seen.push(claim);
        if (failures > 0 || claim === '0') breaker.succeeded();
        return claim === '0' || second;
      },
      prove: async () => ({ recorded: Promise.reject(new Error('the database is gone')) }),
    } as unknown as RevocationAttempts;
    const claims = ['0', '1'].map((claim) => ({ claim }) as unknown as ClaimedLease);
    const returned: ClaimedLease[] = [];
    const drained = drainMount({
      lane,
      queue: new ClaimQueue(
        async (size) => claims.splice(0, size),
        () => 2,
        1,
        Infinity,
      ),
      attempts,
      clock,
      holdsMs: 0,
      lookWithinMs: 0,
      tooOld: () => false,
      giveBack: async (rest) => void returned.push(...rest),
      stopping: () => false,
    });
    const ended = expect(drained).rejects.toThrow('the database is gone');
    while (seen.length < 2) await everythingDue();
    await everythingDue();
    goOn();
    await ended;
    expect(unhandled).toEqual([]);
    expect([seen, returned]).toEqual([['0', '1'], []]);
  });
});
