import { beforeEach, describe, expect, it } from 'vitest';
import { Transactions, type Tx } from '../../../src/database/transaction.js';
import { ActiveGrants } from '../../../src/grant/active-grants.js';
import type { Grant } from '../../../src/grant/grant.js';
import { GrantReview } from '../../../src/grant/grant-review.js';
import type { StoredGrant } from '../../../src/grant/grant-rows.js';
import { SystemClock } from '../../../src/kernel/clock.js';
import { SilentLog } from '../../../src/kernel/log.js';
import { leastSettings } from '../../support/least-settings.js';

/** A database that has no grants, and counts how often it is asked for them. */
class Counted extends Transactions {
  readonly atMs: number[] = [];
  failing = false;

  run<T>(): Promise<T> {
    return Promise.reject(new Error('not used'));
  }

  get reads(): Tx {
    const query = (): Promise<unknown[]> => {
      this.atMs.push(performance.now());
      return this.failing ? Promise.reject(new Error('gone')) : Promise.resolve([]);
    };
    return { query } as unknown as Tx;
  }
}

class NoWarnings extends GrantReview {
  override warned(_: Tx, stored: readonly StoredGrant[]): Promise<Grant[]> {
    return Promise.resolve(stored.map((grant) => ({ ...grant, warnings: [] })));
  }
}

const clock = new SystemClock();
const settings = leastSettings({ url: 'postgres://nobody@127.0.0.1:1/none' });
let database: Counted;
let active: ActiveGrants;

beforeEach(() => {
  database = new Counted();
  active = new ActiveGrants(database, new NoWarnings(settings, clock), clock, new SilentLog());
});

describe('grants read for a refusal', () => {
  it('are never older than the moment that is named', async () => {
    await active.of('dev');
    const momentMs = clock.monotonicMs();
    const { readAtMs } = await active.since('dev', momentMs);
    expect(readAtMs).toBeGreaterThanOrEqual(momentMs);
    expect(database.atMs).toHaveLength(2);
    // And are what the next decision goes by.
    expect((await active.of('dev')).readAtMs).toBe(readAtMs);
    expect((await active.since('dev', readAtMs)).readAtMs).toBe(readAtMs);
    expect(database.atMs).toHaveLength(2);
  });

  it('are read five times a second at most, however many refusals there are', async () => {
    const reads = new Set([(await active.of('dev')).readAtMs]);
    const over = performance.now() + 1_000;
    const worker = async (): Promise<void> => {
      while (performance.now() < over) {
        const momentMs = clock.monotonicMs();
        const { readAtMs } = await active.since('dev', momentMs);
        expect(readAtMs).toBeGreaterThanOrEqual(momentMs);
        reads.add(readAtMs);
      }
    };
    await Promise.all(Array.from({ length: 50 }, worker));
    expect(database.atMs).toHaveLength(reads.size);
    const readsAtMs = [...reads].sort((a, b) => a - b);
    const gaps = readsAtMs.slice(1).map((atMs, at) => atMs - (readsAtMs[at] ?? 0));
    expect(gaps.length).toBeLessThanOrEqual(7);
    // Timers may be early by less than a millisecond.
    expect(Math.min(...gaps)).toBeGreaterThan(198);
  });

  it('are read again after a failure', async () => {
    database.failing = true;
    await expect(active.since('dev', clock.monotonicMs())).rejects.toThrow('gone');
    database.failing = false;
    expect((await active.since('dev', clock.monotonicMs())).grants).toEqual([]);
  });
});
