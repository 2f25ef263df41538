import type { Credential } from '../../../src/credential/credential.js';
import type { Grant } from '../../../src/grant/grant.js';
import { grantSpecSchema, type GrantSpec, type GrantSpecInput } from '../../../src/grant/grant-spec.js';
import type { VerifiedToken } from '../../../src/identity/verified-token.js';

const AT = new Date('2026-11-21T10:00:00Z');

/** A checked spec with these differences. */
export function specOf(changes: Partial<GrantSpecInput> = {}): GrantSpec {
  return grantSpecSchema.parse({
    name: 'deploy',
    issuer: 'ci',
    workload: { claims: { sub: 'job' } },
    run: { from: 'asserted', stepFrom: 'asserted' },
    credentials: [{ name: 'orders' }],
    ...changes,
  });
}

/** An active grant with this spec. */
export function grantOf(spec: GrantSpec = specOf(), changes: Partial<Grant> = {}): Grant {
  return {
    id: '01930000-0000-7000-8000-000000000001',
    name: spec.name,
    state: 'active',
    version: 1,
    spec,
    expiresAt: null,
    createdAt: AT,
    createdBy: 'sso#ada',
    updatedAt: AT,
    warnings: [],
    ...changes,
  };
}

/** An enabled database credential. */
export function credentialOf(changes: Partial<Credential> = {}): Credential {
  return {
    name: 'orders',
    version: 1,
    kind: 'database',
    mount: 'database',
    path: 'orders',
    parameters: {},
    deliveries: ['inline', 'wrapped'],
    defaultTtlSeconds: 900,
    maxTtlSeconds: 3_600,
    revocable: true,
    enabled: true,
    description: '',
    labels: {},
    createdAt: AT,
    createdBy: 'sso#ada',
    updatedAt: AT,
    ...changes,
  };
}

/** A verified token with these claims. */
export function tokenOf(
  claims: Readonly<Record<string, unknown>>,
  changes: Partial<VerifiedToken> = {},
): VerifiedToken {
  return {
    issuerName: 'ci',
    issuer: 'https://ci.example',
    subject: typeof claims['sub'] === 'string' ? claims['sub'] : 'job',
    audience: ['leasegate'],
    claims,
    tokenHash: Buffer.alloc(32, 1),
    issuedAt: AT,
    expiresAt: new Date(AT.getTime() + 600_000),
    platform: {},
    ...changes,
  };
}
