import { randomBytes } from 'node:crypto';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { functionPowers, grantRoles, powersOverLog } from '../../../src/database/roles.js';
import { DataSourceTransactions } from '../../../src/database/transaction.js';
import { checkLog, offerMany, openLog, type LogParts } from './log-parts.js';

const name = `leasegate_test_${randomBytes(4).toString('hex')}`;
let log: LogParts;
let broker: DataSource;

beforeAll(async () => {
  log = await openLog();
  await grantRoles(log.dataSource);
  await grantRoles(log.dataSource);
  await offerMany(log, 300);
  await log.sequencer().drain();
  await log.dataSource.query(`CREATE ROLE ${name} LOGIN PASSWORD '${name}'`);
  await log.dataSource.query(`GRANT leasegate_app, leasegate_sequencer TO ${name}`);
  const url = new URL(log.settings.values.database.url.expose());
  [url.username, url.password] = [name, name];
  broker = await new DataSource({ type: 'postgres', url: url.href }).initialize();
});
afterAll(async () => {
  await broker.destroy();
  await log.dataSource.query(`DROP ROLE ${name}`);
  await log.stop();
});

describe('a login with the roles of the broker', () => {
  it.each([
    `UPDATE audit_entry SET kind = 'x'`,
    `DELETE FROM audit_entry`,
    `TRUNCATE audit_entry`,
    `UPDATE audit_entry_0 SET kind = 'x'`,
    `DELETE FROM audit_entry_0`,
    `TRUNCATE audit_entry_0`,
    `DELETE FROM audit_tile`,
    `TRUNCATE audit_tile`,
    `UPDATE audit_checkpoint SET note = ''`,
    `DELETE FROM audit_log_key`,
    `DROP TRIGGER audit_entry_append_only ON audit_entry`,
    `ALTER TABLE audit_entry DISABLE TRIGGER ALL`,
    `ALTER TABLE audit_entry DETACH PARTITION audit_entry_0`,
    `DROP TABLE audit_entry`,
    `SELECT cut_audit_part(512)`,
    `UPDATE audit_archive SET state = 'destroyed'`,
    `UPDATE audit_part SET to_idx = 256`,
    `SET session_replication_role = replica`,
  ])('may not %s', async (sql) => {
    await expect(broker.query(sql)).rejects.toThrow(/permission denied|must be owner/);
  });

  it('has no power over the log that the doctor would name, and its owner has', async () => {
    expect(await powersOverLog(broker)).toEqual([]);
    expect((await powersOverLog(log.dataSource)).join()).toContain('drop triggers of audit_entry');
  });

  it('reaches nothing by a function either; a door that somebody leaves open is named', async () => {
    expect(await functionPowers(broker)).toEqual([]);
    const owner = log.dataSource;
    await owner.query('GRANT EXECUTE ON FUNCTION cut_audit_part(bigint) TO leasegate_app');
    await owner.query('GRANT EXECUTE ON FUNCTION cut_audit_month() TO PUBLIC');
    await owner.query(`CREATE FUNCTION forget() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'SELECT'`);
    try {
      expect(await functionPowers(broker)).toEqual([
        'cut_audit_month() can be called by everybody',
        'cut_audit_part() can be called by this login',
        expect.stringMatching(/^forget\(\) acts with its owner's rights, .*can be called by everybody$/),
      ]);
    } finally {
      await owner.query('REVOKE EXECUTE ON FUNCTION cut_audit_part(bigint) FROM leasegate_app');
      await owner.query('REVOKE EXECUTE ON FUNCTION cut_audit_month() FROM PUBLIC');
      await owner.query('DROP FUNCTION forget()');
    }
    expect(await functionPowers(broker)).toEqual([]);
  });

  it('sequences', async () => {
    await offerMany(log, 300);
    expect(await log.sequencer(new DataSourceTransactions(broker)).drain()).toBe(300);
    expect((await checkLog(log)).size).toBe(600);
  });
});
