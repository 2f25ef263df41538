import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasCode } from '../../../src/kernel/broker-error.js';
import { checkAudience, checkAuthorizedParty } from '../../../src/identity/claim-checks.js';
import type { RegisteredClaims } from '../../../src/identity/registered-claims.js';
import { AUDIENCE, issuerWith } from './fixtures.js';

const claims = (audience: string[], authorizedParty?: string): RegisteredClaims => ({
  subject: 's',
  audience,
  issuedAt: 1,
  expiresAt: 2,
  notBefore: undefined,
  authorizedParty,
});
const inline = { keys: { from: 'inline', jwks: { keys: [{ kty: 'EC' }] } } };
const sole = issuerWith(inline);
const several = issuerWith({ ...inline, allowExtraAudiences: true });
const login = issuerWith({
  ...inline,
  allowExtraAudiences: true,
  login: { clientId: 'cli', token: 'id_token' },
});

function accepted(check: () => void): boolean {
  try {
    check();
    return true;
  } catch (error) {
    if (hasCode(error, 'token_audience_refused')) return false;
    throw error;
  }
}

const entry = fc.oneof(
  fc.constant(AUDIENCE),
  fc.string(),
  fc.constant(AUDIENCE.toUpperCase()),
  fc.constant(`${AUDIENCE}/`),
);
const audiences = fc.array(entry, { maxLength: 5 });

describe('checkAudience', () => {
  it('never accepts a list without the configured audience', () => {
    fc.assert(
      fc.property(audiences, (list) => {
        const others = list.filter((value) => value !== AUDIENCE);
        expect(accepted(() => checkAudience(claims(others), sole))).toBe(false);
        expect(accepted(() => checkAudience(claims(others), several))).toBe(false);
      }),
    );
  });

  it('accepts exactly the lists of the sole audience, unless more are allowed', () => {
    fc.assert(
      fc.property(audiences, (list) => {
        const named = list.includes(AUDIENCE);
        expect(accepted(() => checkAudience(claims(list), sole))).toBe(named && new Set(list).size === 1);
        expect(accepted(() => checkAudience(claims(list), several))).toBe(named);
      }),
    );
  });
});

describe('checkAuthorizedParty', () => {
  it.each([
    ['another client', ['a', 'b'], 'other', false],
    ['nobody', ['a', 'b'], undefined, false],
    ['the login client', ['a', 'b'], 'cli', true],
    ['ourselves', ['a', 'b'], AUDIENCE, true],
    ['another client, for us alone', [AUDIENCE], 'other', true],
  ])('of an ID token, issued to %s', (_, audience, party, expected) => {
    expect(accepted(() => checkAuthorizedParty(claims(audience, party), login))).toBe(expected);
  });

  it('is not asked of access tokens', () => {
    expect(accepted(() => checkAuthorizedParty(claims(['a', 'b'], 'other'), several))).toBe(true);
  });
});
