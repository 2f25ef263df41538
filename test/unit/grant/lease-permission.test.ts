import { describe, expect, it } from 'vitest';
import type { BrokerError } from '../../../src/kernel/broker-error.js';
import type { Delivery } from '../../../src/credential/credential.js';
import { leasePermission } from '../../../src/grant/lease-permission.js';
import type { Grant } from '../../../src/grant/grant.js';
import { credentialOf, grantOf, specOf } from './grant-spec-samples.js';

const now = new Date('2026-11-21T10:00:00Z');
const narrow = grantOf(
  specOf({ credentials: [{ name: 'orders', maxTtlSeconds: 300, deliveries: ['wrapped'] }] }),
);

function codeOf(
  grant: Grant,
  credential = credentialOf(),
  wanted: { ttlSeconds?: number; delivery?: Delivery } = {},
): string {
  try {
    leasePermission(grant, credential, wanted, now);
  } catch (error) {
    return (error as BrokerError).code;
  }
  return 'allowed';
}

describe('leases that are refused', () => {
  it.each(['draft', 'pending_approval', 'suspended', 'revoked', 'expired'] as const)(
    'a grant that is %s',
    (state) => {
      expect(codeOf(grantOf(specOf(), { state }))).toBe('grant_not_active');
    },
  );

  it('a grant whose time is over, also before the scheduler comes to it', () => {
    expect(codeOf(grantOf(specOf(), { expiresAt: now }))).toBe('grant_not_active');
  });

  it('a credential that the grant does not name, or that is disabled', () => {
    expect(codeOf(grantOf(), credentialOf({ name: 'payments' }))).toBe('credential_not_granted');
    expect(codeOf(grantOf(), credentialOf({ name: 'payments', enabled: false }))).toBe(
      'credential_not_granted',
    );
    expect(codeOf(grantOf(), credentialOf({ enabled: false }))).toBe('credential_disabled');
  });

  it.each([0, -1, 1.5, Number.NaN, Infinity, 3_601, Number.MAX_SAFE_INTEGER])(
    'a life of %d seconds',
    (ttlSeconds) => {
      expect(codeOf(grantOf(), credentialOf(), { ttlSeconds })).toBe('ttl_refused');
    },
  );

  it('a life longer than the grant allows, though the catalogue would', () => {
    expect(codeOf(narrow, credentialOf(), { ttlSeconds: 301 })).toBe('ttl_refused');
  });

  it('a delivery that the catalogue or the grant does not allow', () => {
    expect(codeOf(grantOf(), credentialOf({ deliveries: ['inline'] }), { delivery: 'wrapped' })).toBe(
      'delivery_refused',
    );
    expect(codeOf(narrow, credentialOf(), { delivery: 'inline' })).toBe('delivery_refused');
    expect(codeOf(narrow, credentialOf({ deliveries: ['inline'] }))).toBe('delivery_refused');
  });
});

describe('leases that are allowed', () => {
  it('for the default life by the first delivery', () => {
    expect(leasePermission(grantOf(), credentialOf(), {}, now)).toEqual({
      ttlSeconds: 900,
      maxTtlSeconds: 3_600,
      delivery: 'inline',
    });
  });

  it('for no longer than the grant allows', () => {
    expect(leasePermission(narrow, credentialOf(), {}, now)).toEqual({
      ttlSeconds: 300,
      maxTtlSeconds: 300,
      delivery: 'wrapped',
    });
  });

  it('as asked, up to the bounds', () => {
    const wanted = { ttlSeconds: 3_600, delivery: 'wrapped' } as const;
    expect(leasePermission(grantOf(), credentialOf(), wanted, now)).toEqual({
      ...wanted,
      maxTtlSeconds: 3_600,
    });
    expect(leasePermission(narrow, credentialOf(), { ttlSeconds: 1 }, now).ttlSeconds).toBe(1);
  });
});
