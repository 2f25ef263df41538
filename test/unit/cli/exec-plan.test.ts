import { describe, expect, it } from 'vitest';
import { environmentOf, planOf, valueOf } from '../../../src/cli/exec/plan.js';
import { fieldText, shellQuoted, variableName } from '../../../src/cli/shell-words.js';

const plan = (options: { credential?: string[]; env?: string[]; file?: string[] }) =>
  planOf({ credential: [], env: [], file: [], ...options });

describe('planOf', () => {
  it.each([
    [{}],
    [{ credential: ['Orders'] }],
    [{ credential: [''] }],
    [{ credential: ['orders='] }],
    [{ credential: ['orders=A-B'] }],
    [{ credential: ['orders.password'] }],
    [{ credential: ['orders', 'orders=X'] }],
    [{ env: ['PGPASSWORD'] }],
    [{ env: ['PGPASSWORD=orders'] }],
    [{ env: ['PGPASSWORD=orders.'] }],
    [{ env: ['1X=orders.password'] }],
    [{ env: ['X=a.b', 'X=c.d'] }],
    [{ file: ['orders'] }],
    [{ file: ['orders='] }],
    [{ file: ['../x=/tmp/y'] }],
    [{ file: ['a=/tmp/y', 'b=/tmp/y'] }],
  ])('refuses %j', (options) => {
    expect(() => plan(options)).toThrow(expect.objectContaining({ code: 'usage', exitCode: 2 }) as Error);
  });

  it('leases each credential once', () => {
    expect(
      plan({
        credential: ['orders', 'web-cert=TLS'],
        env: ['PGUSER=orders.username'],
        file: ['web-cert.private_key=/run/k=1', 'ca=/run/ca'],
      }),
    ).toEqual({
      credentials: ['orders', 'web-cert', 'ca'],
      prefixes: [
        { credential: 'orders', prefix: 'ORDERS' },
        { credential: 'web-cert', prefix: 'TLS' },
      ],
      variables: [{ variable: 'PGUSER', source: { credential: 'orders', field: 'username' } }],
      files: [
        { path: '/run/k=1', source: { credential: 'web-cert', field: 'private_key' } },
        { path: '/run/ca', source: { credential: 'ca', field: undefined } },
      ],
    });
  });
});

describe('what the command gets', () => {
  const data = {
    orders: { username: 'u', 'pass-word': 'p' },
    cert: { ca_chain: ['A', 'B'], serial: 7, deep: { x: 1 } },
  };

  it('names the fields there are when one is missing', () => {
    expect(() => valueOf(data, { credential: 'orders', field: 'password' })).toThrow(
      'it has: username, pass-word',
    );
    expect(() => valueOf(data, { credential: 'orders', field: 'constructor' })).toThrow('has no field');
  });

  it('refuses two fields for one variable', () => {
    const same = { a: { 'x-y': '1', x_y: '2' } };
    expect(() => environmentOf(plan({ credential: ['a'] }), same, fieldText)).toThrow('A_X_Y');
  });

  it('refuses what cannot be in an environment', () => {
    expect(() => environmentOf(plan({ credential: ['a'] }), { a: { x: 'one\0two' } }, fieldText)).toThrow(
      'A_X',
    );
  });

  it('turns fields into variables', () => {
    expect(
      environmentOf(
        plan({ credential: ['orders', 'cert=TLS'], env: ['PGUSER=orders.username'] }),
        data,
        fieldText,
      ),
    ).toEqual({
      ORDERS_USERNAME: 'u',
      ORDERS_PASS_WORD: 'p',
      PGUSER: 'u',
      TLS_CA_CHAIN: 'A\nB',
      TLS_SERIAL: '7',
      TLS_DEEP: '{"x":1}',
    });
  });

  it('makes names that shells take, and words that mean what they say', () => {
    expect(variableName('1st-db', 'user.name')).toBe('_1ST_DB_USER_NAME');
    expect(shellQuoted("a'b $c\n")).toBe(`'a'\\''b $c\n'`);
  });
});
