import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/kernel/clock.js';
import { CircuitBreaker } from '../../../src/lease/circuit-breaker.js';

let clock: ManualClock;
let breaker: CircuitBreaker;

beforeEach(() => {
  clock = new ManualClock(new Date('2026-01-01T00:00:00Z'));
  breaker = new CircuitBreaker(clock, { failures: 3, openMs: 1_000 });
});

function fail(times: number): void {
  for (let count = 0; count < times; count += 1) {
    expect(breaker.admits()).toBe(true);
    breaker.failed();
  }
}

describe('a breaker', () => {
  it('lets nothing through after as many failures in a row as it takes', () => {
    fail(3);
    expect(breaker.open).toBe(true);
    expect(breaker.admits()).toBe(false);
  });

  it('does not count failures that a success came between', () => {
    fail(2);
    breaker.succeeded();
    fail(2);
    expect(breaker.admits()).toBe(true);
  });

  it('lets one probe through when its time is over, and no second beside it', () => {
    fail(3);
    clock.advanceMs(1_000);
    expect(breaker.open).toBe(false);
    expect(breaker.admits()).toBe(true);
    expect(breaker.open).toBe(true);
    expect(breaker.admits()).toBe(false);
  });

  it('opens again at once when the probe fails', () => {
    fail(3);
    clock.advanceMs(1_000);
    fail(1);
    expect(breaker.admits()).toBe(false);
    clock.advanceMs(999);
    expect(breaker.admits()).toBe(false);
    clock.advanceMs(1);
    expect(breaker.admits()).toBe(true);
  });

  it('is closed by a probe that succeeds', () => {
    fail(3);
    clock.advanceMs(1_000);
    expect(breaker.admits()).toBe(true);
    breaker.succeeded();
    fail(2);
    expect(breaker.admits()).toBe(true);
  });
});
