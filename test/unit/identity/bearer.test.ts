import { describe, expect, it } from 'vitest';
import { bearerToken } from '../../../src/identity/bearer.js';

const from = (authorization?: string | string[]): string =>
  bearerToken({ headers: authorization === undefined ? {} : { authorization } }).expose();

describe('bearerToken', () => {
  it.each([
    ['authentication_required', undefined],
    ['authentication_required', ''],
    ['authentication_required', 'Basic dXNlcjpwYXNz'],
    ['authentication_required', 'Bearerabc'],
    ['authentication_required', ['Bearer a', 'Bearer b']],
    ['token_malformed', 'Bearer'],
    ['token_malformed', 'Bearer '],
    ['token_malformed', 'Bearer a b'],
    ['token_malformed', 'Bearer a, Bearer b'],
    ['token_malformed', 'Bearer a\u0000'],
  ])('refuses as %s: %j', (code, header) => {
    expect(() => from(header)).toThrow(expect.objectContaining({ code }) as Error);
  });

  it.each(['Bearer a.b-c_d', 'bearer a.b-c_d', 'DPoP  a.b-c_d'])('reads %s', (header) => {
    expect(from(header)).toBe('a.b-c_d');
  });
});
