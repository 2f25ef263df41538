import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDataSource } from '../../../src/database/data-source.js';
import { DataSourceTransactions } from '../../../src/database/transaction.js';
import { freshDatabase, type TestDatabase } from '../../support/parts.js';
import { leastSettings } from '../../support/least-settings.js';

let database: TestDatabase;
let dataSource: DataSource;
let transactions: DataSourceTransactions;

beforeAll(async () => {
  database = await freshDatabase();
  const settings = leastSettings({ url: database.url });
  const first = await createDataSource(settings).initialize();
  const [row] = await first.query<{ name: string }[]>('SELECT current_database() AS name');
  await first.query(`ALTER DATABASE "${row?.name}" SET default_transaction_isolation = 'serializable'`);
  await first.query('CREATE TABLE kept (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)');
  await first.destroy();
  // One connection: what a transaction leaves behind on it, the next has.
  dataSource = await createDataSource(settings, { poolSize: 1 }).initialize();
  transactions = new DataSourceTransactions(dataSource);
}, 240_000);
afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

const kept = async (): Promise<number[]> =>
  (await transactions.reads.query<{ id: number }[]>('SELECT id FROM kept ORDER BY id')).map(({ id }) => id);
const outside = async (): Promise<boolean> => {
  const [row] = await transactions.reads.query<{ began: boolean }[]>(
    'SELECT now() = statement_timestamp() AS began',
  );
  return row?.began === true;
};

it('a transaction is READ COMMITTED, whatever the database has as its default', async () => {
  const levels = await transactions.run((tx) =>
    tx.query<{ level: string; usual: string }[]>(
      `SELECT current_setting('transaction_isolation') AS level, current_setting('default_transaction_isolation') AS usual`,
    ),
  );
  expect(levels).toEqual([{ level: 'read committed', usual: 'serializable' }]);
});

it('keeps what was done when it resolves, and answers with what the work did', async () => {
  const answer = await transactions.run(async (tx) => {
    await tx.query('INSERT INTO kept VALUES (1)');
    return 'done';
  });
  expect(answer).toBe('done');
  expect(await kept()).toEqual([1]);
});

it('keeps nothing when the work throws, also after a statement that failed, and leaves the connection outside', async () => {
  const mine = new Error('changed my mind');
  const undone = transactions.run(async (tx) => {
    await tx.query('INSERT INTO kept VALUES (2)');
    throw mine;
  });
  await expect(undone).rejects.toBe(mine);
  expect(await outside()).toBe(true);
  const failed = transactions.run(async (tx) => {
    await tx.query('INSERT INTO kept VALUES (3)');
    await tx.query('SELECT 1 / 0');
  });
  await expect(failed).rejects.toThrow('division by zero');
  expect(await outside()).toBe(true);
  expect(await kept()).toEqual([1]);
});

it('throws what the commit was refused with, and keeps nothing', async () => {
  const refused = transactions.run((tx) => tx.query('INSERT INTO kept VALUES (4), (1)'));
  await expect(refused).rejects.toThrow('duplicate key');
  expect(await outside()).toBe(true);
  expect(await kept()).toEqual([1]);
});
