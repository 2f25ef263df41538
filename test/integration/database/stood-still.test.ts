import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DataSource } from 'typeorm';
import { classify } from '../../../src/api/problem/classify.js';
import { createDataSource } from '../../../src/database/data-source.js';
import { DataSourceTransactions } from '../../../src/database/transaction.js';
import { freshDatabase } from '../../support/parts.js';
import { leastSettings } from '../../support/least-settings.js';

/** More than a busy machine leaves between two statements. */
const IDLE_MS = 1_000;

let database: Awaited<ReturnType<typeof freshDatabase>>;
let dataSource: DataSource;

beforeAll(async () => {
  database = await freshDatabase();
  const settings = leastSettings({ url: database.url });
  dataSource = await createDataSource(settings, { idleInTransactionMs: IDLE_MS }).initialize();
}, 240_000);
afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

/** Nothing of this process happens meanwhile, as when it is stopped from outside. */
function standStill(forMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, forMs);
}

it.each(['at once', 'after it has heard of its end', 'with a statement'])(
  'a transaction that stood still too long is the failure of the database, when it goes on %s',
  async (how) => {
    const transactions = new DataSourceTransactions(dataSource);
    const thrown: unknown = await transactions
      .run(async (tx) => {
        await tx.query('SELECT 1');
        standStill(2 * IDLE_MS);
        if (how === 'with a statement') await tx.query('SELECT 2');
        if (how === 'after it has heard of its end') await new Promise((resolve) => setTimeout(resolve, 50));
      })
      .catch((error: unknown) => error);
    expect(classify(thrown).code).toBe('database_unavailable');
    await expect(transactions.run((tx) => tx.query<unknown>('SELECT 1 AS n'))).resolves.toEqual([{ n: 1 }]);
  },
);
