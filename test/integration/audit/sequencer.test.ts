import type { EntityManager, QueryRunner } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SequencerFenced } from '../../../src/audit/sequencer.js';
import { Transactions, type Tx } from '../../../src/database/transaction.js';
import { until } from '../../support/until.js';
import { CALLER, checkLog, offerMany, openLog, type LogParts } from './log-parts.js';

let parts: LogParts;
beforeEach(async () => {
  parts = await openLog(50);
});
afterEach(() => parts.stop());

/** Transactions in which a test comes between two statements. */
class Interrupted extends Transactions {
  constructor(
    private readonly inner: Transactions,
    private readonly before: (sql: string) => Promise<unknown>,
  ) {
    super();
  }
  run<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.inner.run((tx) =>
      work({
        query: async (sql: string, values?: unknown[]) => (await this.before(sql)) ?? tx.query(sql, values),
      } as unknown as Tx),
    );
  }
  get reads(): EntityManager {
    return this.inner.reads;
  }
}

const waiting = async (): Promise<number> => (await parts.query.backlog()).count;

describe('the log in the database', () => {
  beforeEach(async () => {
    await offerMany(parts, 3);
    await parts.sequencer().drain();
  });

  it.each([
    `UPDATE audit_entry SET kind = 'x' WHERE idx = 1`,
    `DELETE FROM audit_entry WHERE idx = 2`,
    `TRUNCATE audit_entry`,
    `TRUNCATE audit_entry_0`,
    `UPDATE audit_entry_0 SET kind = 'x'`,
    `DELETE FROM audit_entry_0`,
    `TRUNCATE audit_tile`,
    `UPDATE audit_inbox SET leaf = '{}'`,
    `TRUNCATE audit_inbox`,
    `DELETE FROM audit_head`,
    `TRUNCATE audit_head`,
    `UPDATE audit_head SET size = size - 1`,
    `UPDATE audit_head SET epoch = epoch - 1`,
    `INSERT INTO audit_head (origin, size, root_hash) SELECT origin, size, root_hash FROM audit_head`,
  ])('refuses %s', async (sql) => {
    await offerMany(parts, 1);
    await expect(parts.dataSource.query(sql)).rejects.toThrow();
    await parts.sequencer().drain();
    expect((await checkLog(parts)).size).toBe(4);
  });
});

describe('a sequencer', () => {
  it('that froze while another took over is refused at the end, and loses nothing', async () => {
    await offerMany(parts, 10);
    let thaw: (value?: undefined) => void = () => undefined;
    let frozen = false;
    let freeze = false;
    const stalled = new Promise<undefined>((resolve) => (thaw = resolve));
    const zombie = parts.sequencer(
      new Interrupted(parts.transactions, async (sql) => {
        if (!freeze || !sql.startsWith('UPDATE audit_head SET size')) return undefined;
        frozen = true;
        return stalled;
      }),
    );
    await zombie.drain();
    freeze = true;
    await offerMany(parts, 10);
    const refused = expect(zombie.drain()).rejects.toThrow(SequencerFenced);
    await until(() => frozen);
    // What a sequencer does that takes over after a fail-over which forgot the lock.
    await parts.dataSource.query('UPDATE audit_head SET epoch = epoch + 1');
    thaw();
    await refused;
    expect((await checkLog(parts)).size).toBe(10);
    expect(await waiting()).toBe(10);
    freeze = false;
    expect(await zombie.drain()).toBe(10);
    expect((await checkLog(parts)).size).toBe(20);
  });

  it('whose lock is lost appends nothing twice beside another', async () => {
    const lockless = new Interrupted(parts.transactions, (sql) =>
      Promise.resolve(sql.includes('pg_try_advisory') ? [{ elected: true }] : undefined),
    );
    const ids = await offerMany(parts, 600);
    const two = [parts.sequencer(lockless), parts.sequencer(lockless)];
    await until(
      async () => {
        await Promise.allSettled(two.map((sequencer) => sequencer.drain()));
        return (await waiting()) === 0;
      },
      { deadlineMs: 20_000 },
    );
    const { eventIds } = await checkLog(parts);
    expect([...eventIds].sort()).toEqual([...ids].sort());
  });

  it('lets another one work, and says that it waits', async () => {
    await offerMany(parts, 5);
    const holder: QueryRunner = parts.dataSource.createQueryRunner();
    try {
      await holder.query('BEGIN');
      await holder.query('SELECT pg_try_advisory_xact_lock($1)', [0x1ea5_e6a7]);
      expect(await parts.sequencer().batch()).toEqual({ state: 'waits', events: 0 });
      expect(await waiting()).toBe(5);
    } finally {
      await holder.query('ROLLBACK');
      await holder.release();
    }
    expect(await parts.sequencer().batch()).toEqual({ state: 'sequenced', events: 5 });
  });

  it('takes the event of a transaction that committed late, although later ones are sequenced', async () => {
    const slow = parts.dataSource.createQueryRunner();
    try {
      await slow.startTransaction();
      const late = await parts.inbox.append(slow.manager, 'run.closed', { caller: CALLER }, { leases: 1 });
      const ids = await offerMany(parts, 120);
      await parts.sequencer().drain();
      expect((await checkLog(parts)).eventIds).toEqual(ids);
      await slow.commitTransaction();
      await parts.sequencer().drain();
      expect((await checkLog(parts)).eventIds).toEqual([...ids, late]);
    } finally {
      await slow.release();
    }
  });

  it('is not stopped by an event that cannot be read or does not fit a search column', async () => {
    const odd = [
      Buffer.from('{not json'),
      Buffer.of(0xff, 0xfe, 0x00),
      Buffer.from(
        JSON.stringify({ kind: 'x\0y', run: { run_id: 'z\0'.repeat(5_000) }, lease_id: 'no', time: 'no' }),
      ),
      Buffer.from(
        JSON.stringify({
          kind: 'k',
          credential: '\uD83D\uDE00'.repeat(5_000),
          time: '+275760-09-13T00:00:00Z',
        }),
      ),
    ];
    for (const leaf of odd) {
      await parts.dataSource.query('INSERT INTO audit_inbox (event_id, leaf) VALUES ($1, $2)', [
        parts.ids.uuid(),
        leaf,
      ]);
    }
    const [after] = await offerMany(parts, 1);
    await parts.sequencer().drain();
    expect((await checkLog(parts)).eventIds.at(-1)).toBe(after);
    const { items } = await parts.query.list({ kinds: ['unreadable'] }, { limit: 10 });
    expect(items.map(({ event }) => event)).toEqual([{ unreadable: true }, { unreadable: true }]);
  });

  it('leaves log and inbox as they were when the database fails half way', async () => {
    await offerMany(parts, 70);
    let failed = false;
    const sequencer = parts.sequencer(
      new Interrupted(parts.transactions, async (sql) => {
        if (!failed && sql.startsWith('UPDATE audit_head SET size')) {
          failed = true;
          throw new Error('the connection broke');
        }
        return undefined;
      }),
    );
    await expect(sequencer.drain()).rejects.toThrow('the connection broke');
    expect((await checkLog(parts)).size).toBe(0);
    expect(await sequencer.drain()).toBe(70);
    expect((await checkLog(parts)).size).toBe(70);
  });

  it('two at once: a dense index, nothing lost, nothing doubled, nothing of what was rolled back', async () => {
    const committed: string[] = [];
    let writing = true;
    const writer = async (n: number): Promise<void> => {
      for (let round = 0; round < 40; round += 1) {
        const ids: string[] = [];
        const work = parts.transactions.run(async (tx) => {
          for (let event = 0; event < 3; event += 1) {
            ids.push(await parts.inbox.append(tx, 'run.closed', { caller: CALLER }, { leases: n }));
          }
          // Some commit long after others that began later.
          if (round % 4 === n % 4) await tx.query('SELECT pg_sleep(0.02)');
          if (round % 5 === 0) throw new Error('rolled back');
        });
        await work.then(
          () => committed.push(...ids),
          () => undefined,
        );
      }
    };
    const sequence = async (): Promise<void> => {
      const sequencer = parts.sequencer();
      while (writing || (await waiting()) > 0) await sequencer.drain();
    };
    const sequencers = Promise.all([sequence(), sequence()]);
    await Promise.all([0, 1, 2, 3, 4, 5].map(writer)).finally(() => (writing = false));
    await sequencers;
    const { eventIds } = await checkLog(parts);
    expect(eventIds).toHaveLength(committed.length);
    expect(new Set(eventIds)).toEqual(new Set(committed));
    expect(committed).toHaveLength(6 * 32 * 3);
  });

  it('ends between two batches when it is told to', async () => {
    await offerMany(parts, 200);
    const stop = new AbortController();
    const sequencer = parts.sequencer(
      new Interrupted(parts.transactions, (sql) => {
        if (sql.startsWith('UPDATE audit_head SET size')) stop.abort();
        return Promise.resolve(undefined);
      }),
    );
    expect(await sequencer.drain(stop.signal)).toBe(50);
    expect(await waiting()).toBe(150);
  });
});
