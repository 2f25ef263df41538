import { describe, expect, it } from 'vitest';
import { rolesOf } from '../../../src/identity/admin-roles.js';
import type { VerifiedToken } from '../../../src/identity/verified-token.js';
import { issuerWith } from './fixtures.js';

const token = (claims: Record<string, unknown>): VerifiedToken => ({ claims }) as unknown as VerifiedToken;
const issuer = issuerWith({
  keys: { from: 'inline', jwks: { keys: [{ kty: 'EC' }] } },
  roles: [
    { role: 'operator', claims: { groups: ['sre', 'oncall'] } },
    { role: 'admin', claims: { groups: 'platform', email_verified: 'true' } },
    { role: 'admin', claims: { sub: 'root' } },
    { role: 'auditor', claims: { department: 'audit' } },
  ],
});

describe('rolesOf', () => {
  it.each([
    ['nothing that is bound', { groups: ['guests'] }],
    ['no claims', {}],
    ['a part of a value', { groups: ['sre-readonly'], department: 'audits' }],
    ['another case', { groups: ['SRE'] }],
    ['one claim of two', { groups: ['platform'] }],
    ['a truth where a text is bound', { groups: ['platform'], email_verified: true }],
    ['a list as text', { groups: 'sre,oncall' }],
    ['a list in a list', { groups: [['sre']] }],
    ['an object', { groups: { sre: true } }],
  ])('gives none to %s', (_, claims) => {
    expect(rolesOf(token(claims), issuer)).toEqual([]);
  });

  it('gives none for a binding that names no claim', () => {
    const open = { ...issuer, roles: [{ role: 'admin' as const, claims: {} }] };
    expect(rolesOf(token({ sub: 'anybody' }), open)).toEqual([]);
  });

  it.each([
    [{ groups: ['x', 'oncall'] }, ['operator']],
    [{ groups: 'sre' }, ['operator']],
    [{ groups: ['platform', 'sre'], email_verified: 'true' }, ['admin', 'operator']],
    [{ sub: 'root', department: 'audit' }, ['admin', 'auditor']],
  ])('%j has %j', (claims, roles) => {
    expect(rolesOf(token(claims), issuer)).toEqual(roles);
  });
});
