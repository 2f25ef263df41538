import { describe, expect, it } from 'vitest';
import type { Job } from '../../../src/scheduler/job.js';
import { RegisteredJobs } from '../../../src/scheduler/registered-jobs.js';

const job = (change: Partial<Job> = {}): Job => ({
  name: 'leases.expire',
  everyMs: 1_000,
  longestMs: 1_000,
  sharing: 'exclusive',
  run: () => Promise.resolve({ worked: 0 }),
  ...change,
});

describe('registry of jobs', () => {
  it.each(['', 'Leases', 'a b', '1x', 'x'.repeat(64)])('refuses %j as a name', (name) => {
    expect(() => new RegisteredJobs().add(job({ name }))).toThrow(/not a name/);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses an interval of %d', (everyMs) => {
    expect(() => new RegisteredJobs().add(job({ everyMs }))).toThrow(/interval/);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses %d as the longest time', (longestMs) => {
    expect(() => new RegisteredJobs().add(job({ longestMs }))).toThrow(/longest time/);
  });

  it('refuses the same name twice', () => {
    const jobs = new RegisteredJobs();
    jobs.add(job());
    expect(() => jobs.add(job({ everyMs: 5 }))).toThrow(/twice/);
    expect(jobs.all()).toHaveLength(1);
  });

  it('knows which are shared in which way', () => {
    const jobs = new RegisteredJobs();
    jobs.add(job());
    jobs.add(job({ name: 'keys.refresh', sharing: 'every-replica' }));
    expect(jobs.shared('exclusive').map(({ name }) => name)).toEqual(['leases.expire']);
    expect(jobs.shared('every-replica').map(({ name }) => name)).toEqual(['keys.refresh']);
  });
});
