import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPostgresLog } from '../../../../src/gateway/shadow/format/postgres-log.js';

const PLAIN = '2026-01-02 09:00:00.123 UTC [42] ';

describe('a PostgreSQL log', () => {
  it.each([
    ['no time', 'LOG:  connection authorized: user=v-1 database=orders'],
    [
      'a zone that may mean several',
      '2026-01-02 09:00:00.123 CST [42] LOG:  connection authorized: user=v-1',
    ],
    ['JSON without a time', '{"message":"connection authorized: user=v-1"}'],
  ])('with %s is not read', (_, line) => {
    expect(readPostgresLog(line)).toBe('unreadable');
  });

  it.each([
    ['a line that goes on', '\tconnection authorized: user=v-1'],
    ['another line', `${PLAIN}LOG:  checkpoint complete`],
    ['a statement that looks like one', `${PLAIN}LOG:  statement: SELECT 'connection authorized: user=v-1'`],
    ['a cut line', '2026-01-02 09:00:00.123 UTC,"v-1","orders",42,"10.0.1.7:5000"'],
  ])('has %s beside', (_, line) => {
    expect(readPostgresLog(line)).toBe('other');
  });

  const at = new Date('2026-01-02T09:00:00.123Z');
  const login = { at, result: 'connected', user: 'v-1', database: 'orders', process: '42' };

  it.each([
    ['plain', `${PLAIN}LOG:  connection authorized: user=v-1 database=orders SSL enabled`, undefined],
    [
      'plain with an offset and more in front',
      '2026-01-02 11:00:00.123 +0200 [42] v-1@orders LOG:  connection authorized: user=v-1 database=orders',
      undefined,
    ],
    [
      'CSV',
      '2026-01-02 09:00:00.123 UTC,"v-1","orders",42,"10.0.1.7:5000",a.b,2,"authentication",2026-01-02 09:00:00 UTC,3/1,0,LOG,00000,"connection authorized: user=v-1 database=orders application_name=a ""b"", c",,,,,,,,,"","client backend",,0',
      '10.0.1.7',
    ],
    [
      'JSON',
      JSON.stringify({
        timestamp: '2026-01-02 09:00:00.123 UTC',
        user: 'v-1',
        dbname: 'orders',
        pid: 42,
        remote_host: '10.0.1.7',
        message: 'connection authorized: user=v-1 database=orders',
      }),
      '10.0.1.7',
    ],
  ])('says who logged in: %s', (_, line, source) => {
    expect(readPostgresLog(line)).toEqual({ ...login, source });
  });

  it('says who reached a process, and who was refused', () => {
    expect(readPostgresLog(`${PLAIN}LOG:  connection received: host=10.0.1.7 port=5000`)).toEqual({
      process: '42',
      source: '10.0.1.7',
    });
    for (const message of [
      'password authentication failed for user "v-1"',
      'role "v-1" does not exist',
      'role "v-1" is not permitted to log in',
    ])
      expect(readPostgresLog(`${PLAIN}FATAL:  ${message}`)).toMatchObject({ result: 'refused', user: 'v-1' });
  });

  it('never throws, whatever it is', () => {
    const any = fc.oneof(
      fc.string(),
      fc.json(),
      fc.string().map((text) => `${PLAIN}LOG:  ${text}`),
      fc.string().map((text) => `2026-01-02 09:00:00 UTC,${text}`),
    );
    fc.assert(
      fc.property(any, (line) => void readPostgresLog(line)),
      { seed: 20_261_121, numRuns: 2_000 },
    );
  });
});
