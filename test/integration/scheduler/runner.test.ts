import { SchedulerRegistry } from '@nestjs/schedule';
import { DataSource } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDataSource } from '../../../src/database/data-source.js';
import { DataSourceTransactions, Transactions } from '../../../src/database/transaction.js';
import { BrokerError } from '../../../src/kernel/broker-error.js';
import { SystemClock } from '../../../src/kernel/clock.js';
import { RandomIds } from '../../../src/kernel/ids.js';
import { SilentLog } from '../../../src/kernel/log.js';
import { Urgency } from '../../../src/kernel/urgency.js';
import { JobClaims } from '../../../src/scheduler/job-claims.js';
import type { Job } from '../../../src/scheduler/job.js';
import { RegisteredJobs } from '../../../src/scheduler/registered-jobs.js';
import { RunHistory } from '../../../src/scheduler/run-history.js';
import { Runner } from '../../../src/scheduler/runner.js';
import { SchedulerStatus } from '../../../src/scheduler/scheduler-status.js';
import type { Settings } from '../../../src/settings/schema.js';
import { freshDatabase, type TestDatabase } from '../../support/parts.js';
import { until } from '../../support/until.js';
import { leastSettings } from '../../support/least-settings.js';

/** Longer than a busy machine holds up a sign of life. */
const CLAIM_MS = 2_500;

let database: TestDatabase;
let dataSource: DataSource;
let transactions: Transactions;
let settings: Settings;
const stops: (() => Promise<void>)[] = [];

beforeEach(async () => {
  database = await freshDatabase();
  settings = leastSettings(
    { url: database.url },
    { server: { drainSeconds: 3 }, scheduler: { tickMs: 60_000, claimMs: CLAIM_MS } },
  );
  dataSource = await createDataSource(settings).initialize();
  transactions = new DataSourceTransactions(dataSource);
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await dataSource.destroy();
  await database.drop();
});

/** A replica's runner with one job; the test ticks it. */
function replica(job: Job, claimsWith = transactions): { runner: Runner; status: SchedulerStatus } {
  const clock = new SystemClock();
  const jobs = new RegisteredJobs();
  jobs.add(job);
  const history = new RunHistory();
  const claims = new JobClaims(settings, claimsWith, new RandomIds(clock), clock);
  const runner = new Runner(
    settings,
    clock,
    new SilentLog(),
    new SchedulerRegistry(),
    jobs,
    claims,
    history,
    new Urgency(clock),
  );
  stops.push(() => runner.stop());
  return { runner, status: new SchedulerStatus(transactions, jobs, history) };
}

const never = (): Promise<never> => new Promise(() => undefined);
const exclusive = (run: Job['run'], everyMs = 1): Job => ({
  name: 'test.job',
  everyMs,
  longestMs: 60_000,
  sharing: 'exclusive',
  run,
});
const row = async () => (await replica(exclusive(never)).status.shared())[0];

/** Transactions whose reads fail while `broken` says so, as for a replica that is cut off. */
class CutOff extends Transactions {
  broken = false;
  run<T>(): Promise<T> {
    return Promise.reject(new Error('not used'));
  }
  get reads() {
    if (this.broken) throw new Error('connection refused');
    return transactions.reads;
  }
}

describe('an exclusive job', () => {
  it('is taken from a run that never ends, though its replica is alive, and runs again', async () => {
    let runs = 0;
    const told: unknown[] = [];
    const hangsOnce = (signal: AbortSignal): Promise<{ worked: number }> => {
      runs += 1;
      if (runs > 1) return Promise.resolve({ worked: 7 });
      signal.addEventListener('abort', () => told.push(signal.reason));
      return never();
    };
    const job = { ...exclusive(hangsOnce), longestMs: 2.5 * CLAIM_MS };
    const first = replica(job);
    await first.runner.tick();
    // It extends its claim as long as it is within its time.
    const second = replica(job);
    await until(async () => (await row())?.failures === 1, { what: 'the failure', deadlineMs: 60_000 });
    expect(told).toMatchObject([{ name: 'RunTooLong' }]);
    expect(await row()).toMatchObject({ claimedBy: null, lastError: 'RunTooLong' });
    expect(first.runner.running()).toEqual([]);
    await second.runner.tick();
    await until(async () => (await row())?.runs === 2 && (await row())?.claimedBy === null, {
      what: 'the second run',
      deadlineMs: 60_000,
    });
    expect(await row()).toMatchObject({ failures: 1, lastError: null });
  });

  it('takes as long as it takes while it says that it gets on, and no longer', async () => {
    let getOn = (): void => undefined;
    const steady: Job['run'] = (_, progress) => {
      getOn = progress;
      return never();
    };
    const { runner } = replica({ ...exclusive(steady), longestMs: 2.5 * CLAIM_MS });
    await runner.tick();
    const over = performance.now() + 4 * CLAIM_MS;
    await until(
      () => {
        getOn();
        return performance.now() > over;
      },
      { what: 'the time', deadlineMs: 60_000 },
    );
    expect(runner.running()).toEqual(['test.job']);
    expect(await row()).toMatchObject({ failures: 0 });
    await until(async () => (await row())?.lastError === 'RunTooLong', { deadlineMs: 60_000 });
    // What it says after that makes it no longer.
    getOn();
    expect(runner.running()).toEqual([]);
  });

  it('that was given up counts for nothing when it comes back, beside the run that took its place', async () => {
    const ends: (() => void)[] = [];
    const hangs = (): Promise<{ worked: number }> =>
      new Promise((resolve) => ends.push(() => resolve({ worked: 5 })));
    const { runner, status } = replica({ ...exclusive(hangs), longestMs: 2 * CLAIM_MS });
    await runner.tick();
    await until(async () => (await row())?.failures === 1, { what: 'the failure', deadlineMs: 60_000 });
    await until(async () => {
      await runner.tick();
      return ends.length === 2;
    });
    const holder = (await row())?.claimedBy;
    ends[0]?.();
    await until(async () => (await row())?.claimedBy === holder && runner.running().length === 1);
    expect(status.local().get('test.job')).toMatchObject({ worked: 0 });
    ends[1]?.();
    await until(() => runner.running().length === 0);
    expect(await row()).toMatchObject({ claimedBy: null, failures: 1, lastError: null, runs: 2 });
    expect(status.local().get('test.job')).toMatchObject({ worked: 5 });
  });

  it('never runs twice at the same time, on two replicas that both look all the time', async () => {
    let now = 0;
    let most = 0;
    let runs = 0;
    const work = exclusive(async () => {
      now += 1;
      most = Math.max(most, now);
      runs += 1;
      await dataSource.query('SELECT pg_sleep(0.005)');
      now -= 1;
      return { worked: 1 };
    });
    const runners = [replica(work), replica(work), replica(work)].map(({ runner }) => runner);
    await until(
      async () => {
        await Promise.all(runners.map((runner) => runner.tick()));
        return runs >= 40;
      },
      { deadlineMs: 60_000 },
    );
    expect(most).toBe(1);
    for (const runner of runners) await runner.stop();
    expect((await row())?.runs).toBe(runs);
  });

  it('is not due again before its interval is over, for any replica', async () => {
    let runs = 0;
    const work = exclusive(() => Promise.resolve({ worked: (runs += 1) }), 3_600_000);
    const [one, two] = [replica(work), replica(work)];
    await one.runner.tick();
    await until(async () => (await row())?.lastFinishedAt);
    await two.runner.tick();
    await one.runner.tick();
    expect(runs).toBe(1);
    expect(two.runner.running()).toEqual([]);
  });

  it('comes round when its next thing falls due, and no sooner than its interval', async () => {
    const starts: number[] = [];
    const dueIn = [150, 0, undefined];
    const job = exclusive(() => {
      starts.push(performance.now());
      return Promise.resolve({ worked: 0, nextDueInMs: dueIn.shift() });
    }, 100);
    const { runner } = replica(job);
    await runner.tick();
    await until(async () => starts.length === 3 && (await row())?.claimedBy === null, {
      what: 'the third run',
      deadlineMs: 30_000,
    });
    const [first = 0, second = 0, third = 0] = starts;
    expect(second - first).toBeGreaterThanOrEqual(150);
    expect(third - second).toBeGreaterThanOrEqual(100);
    expect(await row()).toMatchObject({ runs: 3, failures: 0 });
  });

  it('is not looked for again after the stop of its replica, whatever falls due', async () => {
    let runs = 0;
    const { runner } = replica(
      exclusive(() => {
        runs += 1;
        return Promise.resolve({ worked: 0, nextDueInMs: 50 });
      }),
    );
    await runner.tick();
    await until(() => runs === 1 && runner.running().length === 0, { what: 'the run', deadlineMs: 30_000 });
    await runner.stop();
    const other = replica(exclusive(() => Promise.resolve({ worked: 0 })));
    await other.runner.tick();
    await until(async () => (await row())?.runs === 2, { what: 'the other run', deadlineMs: 30_000 });
    expect(runs).toBe(1);
  });

  it('ends with others in one statement, each with its own outcome and none for a claim that was lost', async () => {
    const clock = new SystemClock();
    const claims = new JobClaims(settings, transactions, new RandomIds(clock), clock);
    const names = ['test.a', 'test.b', 'test.c'];
    await claims.know(names);
    const held = await claims.claimDue(names);
    const [a, b, c] = names.map((name) => held.find((claim) => claim.name === name));
    if (a === undefined || b === undefined || c === undefined) throw new Error('not claimed');
    const written = [
      claims.finish(a, 60_000, undefined),
      claims.finish(b, 60_000, 'it failed'),
      claims.finish({ ...c, holder: 'an earlier run' }, 60_000, undefined),
      claims.finish(c, 60_000, undefined),
    ];
    expect(await Promise.all(written)).toEqual([true, true, false, true]);
    const rows = await new SchedulerStatus(transactions, new RegisteredJobs(), new RunHistory()).shared();
    expect(
      rows.map(({ name, failures, lastError, claimedBy }) => [name, failures, lastError, claimedBy]),
    ).toEqual([
      ['test.a', 0, null, null],
      ['test.b', 1, 'it failed', null],
      ['test.c', 0, null, null],
    ]);
  });

  it('is kept for longer than a claim lasts, by a sign of life', async () => {
    let end: () => void = () => undefined;
    const one = replica(exclusive(() => new Promise((resolve) => (end = () => resolve({ worked: 1 })))));
    let taken = false;
    const two = replica(exclusive(() => Promise.resolve({ worked: (taken = true) ? 1 : 0 })));
    await one.runner.tick();
    const first = (await row())?.claimedUntil?.getTime() ?? Number.NaN;
    await until(
      async () => {
        await two.runner.tick();
        return ((await row())?.claimedUntil?.getTime() ?? 0) > first + CLAIM_MS;
      },
      { what: 'the claim to be extended twice' },
    );
    expect(taken).toBe(false);
    end();
    await until(async () => {
      await two.runner.tick();
      return taken;
    });
  });

  it('of a replica that froze is taken over after the deadline, and what the frozen one still writes counts nothing', async () => {
    const cut = new CutOff();
    let told = false;
    let end: () => void = () => undefined;
    const frozen = replica(
      exclusive((signal) => {
        signal.addEventListener('abort', () => (told = true));
        return new Promise((resolve) => (end = () => resolve({ worked: 1 })));
      }),
      cut,
    );
    await frozen.runner.tick();
    cut.broken = true;
    let hold: () => void = () => undefined;
    const other = replica(exclusive(() => new Promise((resolve) => (hold = () => resolve({ worked: 1 })))));
    await other.runner.tick();
    expect(other.runner.running()).toEqual([]);
    await until(async () => {
      await other.runner.tick();
      return other.runner.running().length === 1;
    });
    // The one that is cut off finds out by itself that its claim has run out.
    await until(() => told);
    expect(await row()).toMatchObject({
      failures: 1,
      lastError: 'the replica that ran it gave no sign of life',
    });
    const holder = (await row())?.claimedBy;
    cut.broken = false;
    end();
    await until(() => frozen.runner.running().length === 0);
    expect((await row())?.claimedBy).toBe(holder);
    hold();
    await until(() => other.runner.running().length === 0);
    expect((await row())?.claimedBy).toBeNull();
  });

  it('that fails is written down without its message, and comes round again', async () => {
    let fail: Error | undefined = new BrokerError('vault_sealed', { detail: 'marker-of-a-secret' });
    const { runner, status } = replica(
      exclusive(() => (fail === undefined ? Promise.resolve({ worked: 2 }) : Promise.reject(fail))),
    );
    const next = async (): Promise<void> => {
      const before = status.local().get('test.job')?.runs ?? 0;
      await until(async () => {
        if (runner.running().length === 0) await runner.tick();
        return (status.local().get('test.job')?.runs ?? 0) > before;
      });
      await until(() => runner.running().length === 0);
    };
    await next();
    expect(await row()).toMatchObject({ failures: 1, lastError: 'vault_sealed', claimedBy: null });
    fail = new TypeError('marker-of-a-secret');
    await next();
    expect(await row()).toMatchObject({ failures: 2, lastError: 'TypeError' });
    fail = undefined;
    await next();
    expect(await row()).toMatchObject({ failures: 2, lastError: null });
    expect(status.local().get('test.job')).toMatchObject({
      failures: 2,
      worked: expect.any(Number) as number,
      lastError: null,
    });
  });

  it('is given back at once when its replica stops, which waits for it', async () => {
    let ended = false;
    const one = replica(
      exclusive(
        (signal) =>
          new Promise((resolve) => {
            signal.addEventListener('abort', () => {
              void dataSource.query('SELECT pg_sleep(0.05)').then(() => {
                ended = true;
                resolve({ worked: 0 });
              });
            });
          }),
        3_600_000,
      ),
    );
    await one.runner.tick();
    await one.runner.stop();
    expect(ended).toBe(true);
    expect(await row()).toMatchObject({ claimedBy: null, failures: 0, lastError: null });
    let taken = false;
    const two = replica(exclusive(() => Promise.resolve({ worked: (taken = true) ? 1 : 0 })));
    await two.runner.tick();
    await until(() => taken);
    await one.runner.tick();
    expect(one.runner.running()).toEqual([]);
  });

  it('that does not end when it is told to keeps its claim, and does not keep the replica from stopping', async () => {
    const { runner } = replica(exclusive(never));
    await runner.tick();
    await runner.stop();
    expect((await row())?.claimedBy).not.toBeNull();
  });

  it('waits for a database that does not answer, and runs when it is back', async () => {
    const cut = new CutOff();
    cut.broken = true;
    let runs = 0;
    const { runner } = replica(
      exclusive(() => Promise.resolve({ worked: (runs += 1) })),
      cut,
    );
    await runner.tick();
    expect(runs).toBe(0);
    cut.broken = false;
    await runner.tick();
    await until(() => runs === 1);
  });

  it('that is due and that nobody takes is shown as overdue', async () => {
    await dataSource.query(
      `INSERT INTO scheduled_jobs (name, next_run_at) VALUES ('test.job', clock_timestamp() - interval '90 seconds')`,
    );
    expect((await row())?.overdueSeconds).toBeGreaterThanOrEqual(90);
  });
});

describe('a job of every replica', () => {
  it('runs on each, never beside itself, and without the database', async () => {
    const cut = new CutOff();
    cut.broken = true;
    const ends: (() => void)[] = [];
    const work: Job = {
      name: 'test.local',
      everyMs: 1,
      longestMs: 60_000,
      sharing: 'every-replica',
      run: () => new Promise((resolve) => ends.push(() => resolve({ worked: 3 }))),
    };
    const [one, two] = [replica(work, cut), replica(work, cut)];
    await one.runner.tick();
    await two.runner.tick();
    expect(ends).toHaveLength(2);
    await one.runner.tick();
    await one.runner.tick();
    expect(ends).toHaveLength(2);
    for (const end of ends) end();
    await until(() => one.runner.running().length === 0);
    expect(one.status.local().get('test.local')).toMatchObject({ runs: 1, worked: 3, failures: 0 });
    await until(async () => {
      await one.runner.tick();
      return ends.length === 3;
    });
    ends[2]?.();
  });
});
