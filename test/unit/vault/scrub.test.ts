import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scrubErrors, scrubText } from '../../../src/vault/scrub.js';

describe('scrubErrors', () => {
  it.each([
    ['hvs.CAESIMuv5086YJogwmEJ4LfowOXDVecooI', 'a service token'],
    ['hvb.AAAAAQJz0zBvWUNOIKTkDhY', 'a batch token'],
    ['s.Kz7wF3tUUhZqzXwQyzZbNcQv', 'an older token'],
    ['eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl', 'a JWT'],
    ['eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ', 'a JWT that was cut'],
    ['postgresql://admin:hunter2@db:5432/app', 'a URL with a password', 'hunter2'],
    ["CREATE ROLE x PASSWORD 'hunter2'", 'SQL', 'hunter2'],
    ['password=hunter2 host=db', 'a DSN', 'hunter2'],
    ['"secret": "hunter2"', 'JSON', 'hunter2'],
    ['-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----', 'a key', 'MHcCAQEE'],
    ['-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE', 'a key that was cut', 'MHcCAQEE'],
    ['kRPWTNLf-H4RYrLG1Lh2', 'a generated password'],
  ])('removes %j (%s)', (text, _what, hidden = text) => {
    const [clean] = scrubErrors({ errors: [`failed: ${text} (status 1)`] }, []);
    expect(clean).not.toContain(hidden);
    expect(clean).toContain('failed');
  });

  it('answers nothing for what is no list of errors', () => {
    for (const body of [undefined, null, 'text', {}, { errors: 'x' }, { errors: [1, {}] }]) {
      expect(scrubErrors(body, [])).toEqual([]);
    }
  });

  it('keeps the words that people need', () => {
    const words = '1 error occurred:\n\t* permission denied\n\n';
    expect(scrubErrors({ errors: [words] }, [])).toEqual(['1 error occurred: * permission denied']);
    expect(scrubText('no handler for route "auth/jwt/login". route entry not found.', [])).toContain(
      'auth/jwt/login',
    );
  });

  it('bounds number and length, and cuts no secret in half', () => {
    const long = `${'x '.repeat(140)}hvs.CAESIMuv5086YJogwmEJ4LfowOXDVecooI`;
    const clean = scrubErrors({ errors: Array.from({ length: 9 }, () => long) }, []);
    expect(clean).toHaveLength(4);
    for (const error of clean) {
      expect(error.length).toBeLessThanOrEqual(300);
      expect(error).not.toContain('CAES');
    }
  });

  it('removes the exact secrets of the request, wherever they stand', () => {
    fc.assert(
      fc.property(
        fc.uuid(),
        fc.string({ maxLength: 400 }),
        fc.string({ maxLength: 400 }),
        (secret, before, after) => {
          expect(scrubText(`${before}${secret}${after}`, [secret])).not.toContain(secret);
        },
      ),
    );
  });

  it('takes no time with hostile text', () => {
    const hostile = [
      `${'a1B'.repeat(50_000)} `,
      'password '.repeat(20_000),
      '-----BEGIN'.repeat(20_000),
      '://a'.repeat(50_000),
    ];
    const started = performance.now();
    for (const text of hostile) scrubText(text, []);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
