import { randomBytes } from 'node:crypto';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LogParts as Parts } from '../../../../src/audit/retention/parts.js';
import { grantRoles } from '../../../../src/database/roles.js';
import { DataSourceTransactions } from '../../../../src/database/transaction.js';
import { checkLog, offerMany, openLog, type LogParts } from '../log-parts.js';

const name = `leasegate_test_${randomBytes(4).toString('hex')}`;
let log: LogParts;
let broker: DataSource;
let parts: Parts;

beforeAll(async () => {
  log = await openLog();
  await grantRoles(log.dataSource);
  await log.dataSource.query(`CREATE ROLE ${name} LOGIN PASSWORD '${name}'`);
  await log.dataSource.query(`GRANT leasegate_app, leasegate_sequencer TO ${name}`);
  const url = new URL(log.settings.values.database.url.expose());
  [url.username, url.password] = [name, name];
  broker = await new DataSource({ type: 'postgres', url: url.href }).initialize();
  parts = new Parts(new DataSourceTransactions(broker));
});
afterAll(async () => {
  await broker.destroy();
  await log.dataSource.query(`DROP ROLE ${name}`);
  await log.stop();
});

/** Offers an event of a day that is over. */
async function offerOld(): Promise<void> {
  const leaf = Buffer.from(`{"kind":"run.closed","outcome":"success","time":"2020-01-31T12:00:00.000Z"}`);
  await log.dataSource.query('INSERT INTO audit_inbox (event_id, leaf) VALUES (gen_random_uuid(), $1)', [
    leaf,
  ]);
  await log.sequencer().drain();
}

describe('the open part, by the login of the broker', () => {
  it('is not cut while it is empty, or its month is not over', async () => {
    expect(await parts.cutMonth()).toBe(false);
  });

  it('is cut when its month is over, and the log goes on behind it', async () => {
    await offerOld();
    await offerMany(log, 300);
    const sequencer = log.sequencer(new DataSourceTransactions(broker));
    await sequencer.drain();
    expect(await parts.cutMonth()).toBe(true);
    expect(
      (await parts.list()).map(({ fromIndex, toIndex, closed }) => [fromIndex, toIndex, closed]),
    ).toEqual([
      [0, 512, false],
      [512, undefined, false],
    ]);
    await offerMany(log, 300);
    await sequencer.drain();
    expect((await checkLog(log)).size).toBe(601);
    expect((await parts.list())[0]?.closed).toBe(true);
    const [row] = await log.dataSource.query<{ n: number }[]>(
      'SELECT count(*)::int AS n FROM audit_entry_512',
    );
    expect(row?.n).toBe(601 - 512);
    expect(await parts.cutMonth()).toBe(false);
  });
});
