import type { DataSource } from 'typeorm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createDataSource } from '../../../src/database/data-source.js';
import { DataSourceTransactions, type Transactions } from '../../../src/database/transaction.js';
import { PostgresProxy } from '../../../src/dev/fault/postgres-proxy.js';
import { freshDatabase, type TestDatabase } from '../../support/parts.js';
import { until } from '../../support/until.js';
import { leastSettings } from '../../support/least-settings.js';

/** Short, and more than a busy machine takes for a small statement; an answer may be two seconds late beside it. */
const STATEMENT_MS = 800;
const ANSWER_MS = STATEMENT_MS + 2_000;
/** Long before a connection that sleeps in the pool is closed, which would hide what is tested here. */
const WITHIN_MS = 9_000;

let database: TestDatabase;
let proxy: PostgresProxy;
let dataSource: DataSource;
let transactions: Transactions;

beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());
afterEach(async () => {
  await dataSource.destroy();
  await proxy.stop();
});

async function connect(): Promise<void> {
  const { hostname, port } = new URL(database.url);
  proxy = await PostgresProxy.start({ host: hostname, port: Number(port) });
  const settings = leastSettings({
    url: proxy.through(database.url),
    poolSize: 2,
    statementTimeoutMs: STATEMENT_MS,
  });
  dataSource = await createDataSource(settings).initialize();
  transactions = new DataSourceTransactions(dataSource);
}

/** Which connection of the server answers: one is enough for a test that asks one thing at a time. */
async function backend(): Promise<number> {
  const [row] = await transactions.reads.query<{ pid: number }[]>('SELECT pg_backend_pid() AS pid');
  return row?.pid ?? 0;
}

/** Leaves the connection alone for longer than an answer may take. */
async function idle(): Promise<void> {
  const over = performance.now() + ANSWER_MS * 1.2;
  await until(() => performance.now() > over, { what: 'the time', deadlineMs: ANSWER_MS * 3 });
}

/** The one after which the proxy says nothing any more; rejects when the wait is over. */
async function givenUp(asked: Promise<unknown>): Promise<void> {
  const beganMs = performance.now();
  await expect(asked).rejects.toThrow(/terminated/);
  expect(performance.now() - beganMs).toBeLessThan(WITHIN_MS);
}

describe('a connection on which no answer comes', () => {
  it.each(['new', 'idle before'])('is given up in time, %s', { timeout: 240_000 }, async (which) => {
    await connect();
    const pid = await backend();
    if (which === 'idle before') await idle();
    const { happened } = proxy.cut({ moment: 'silent', words: 'silent-now' });
    await givenUp(transactions.reads.query(`SELECT 'silent-now'`));
    await happened;
    // And the pool has a place again.
    expect(await backend()).not.toBe(pid);
  });

  it('is given up in time at the end of a transaction', { timeout: 240_000 }, async () => {
    await connect();
    const pid = await backend();
    await idle();
    proxy.cut({ moment: 'silent', words: 'COMMIT' });
    await givenUp(transactions.run((tx) => tx.query('SELECT 1')));
    expect(await backend()).not.toBe(pid);
  });

  it('is kept where none is owed', { timeout: 240_000 }, async () => {
    await connect();
    const pid = await backend();
    await idle();
    await idle();
    expect(await backend()).toBe(pid);
  });
});
