import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../../src/kernel/secret.js';
import type { InlineCredential } from '../../../src/lease/credential-source.js';
import { expiryFrom, madeOf, type Issuing } from '../../../src/lease/issuing.js';

const start = new Date('2026-01-01T00:00:00Z');
const later = (seconds: number): Date => new Date(start.getTime() + seconds * 1000);

function issuing(kind: 'database' | 'kv' | 'pki', ttlSeconds: number, lifeSeconds: number): Issuing {
  const credential = { kind, revocable: kind !== 'kv' };
  const decision = { credential, ttlSeconds, lifeSeconds } as Issuing['decision'];
  const token = { token: Secret.of('t'), accessor: 'a', expiresAt: later(lifeSeconds) };
  return {
    leaseId: 'l',
    decision,
    token,
    requestedAt: start,
    maxExpiresAt: later(lifeSeconds),
    idempotencyKey: undefined,
  };
}

function answer(parts: Partial<InlineCredential>): InlineCredential {
  return {
    vaultLeaseId: 'database/creds/role/1',
    expiresAt: later(60),
    renewable: true,
    account: 'v-user',
    data: Secret.of({}),
    ...parts,
  };
}

describe('what Vault answered', () => {
  it('is the end where it is sooner than what was asked for, and leaves room for renewal', () => {
    const made = madeOf(issuing('database', 900, 3_600), answer({ expiresAt: later(300) }), start);
    expect(made.expiresAt).toEqual(later(300));
    expect(made.maxExpiresAt).toEqual(later(3_600));
    expect(made.revocable).toBe(true);
  });

  it('leaves no room where Vault will not renew', () => {
    const made = madeOf(
      issuing('pki', 900, 3_600),
      answer({ renewable: false, expiresAt: later(600) }),
      start,
    );
    expect(made.expiresAt).toEqual(later(600));
    expect(made.maxExpiresAt).toEqual(later(600));
  });

  it('cannot be revoked where there is no lease of Vault behind it', () => {
    const made = madeOf(
      issuing('pki', 900, 900),
      answer({ vaultLeaseId: undefined, renewable: false }),
      start,
    );
    expect(made.revocable).toBe(false);
  });

  it('does not end a static secret, whose lease is only ours to prolong', () => {
    const kv = answer({
      vaultLeaseId: undefined,
      expiresAt: undefined,
      renewable: false,
      account: undefined,
    });
    const made = madeOf(issuing('kv', 900, 3_600), kv, start);
    expect(made).toMatchObject({ revocable: false, expiresAt: later(900), maxExpiresAt: later(3_600) });
  });

  it('is not known of a wrapped credential, so its lease cannot be renewed', () => {
    const made = madeOf(issuing('database', 900, 3_600), undefined, start);
    expect(made).toMatchObject({ revocable: true, expiresAt: later(900), maxExpiresAt: later(900) });
    expect(madeOf(issuing('kv', 900, 3_600), undefined, start).maxExpiresAt).toEqual(later(3_600));
  });

  it('never makes a lease outlive what it may, whatever the order of the limits', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.integer({ min: 1, max: 10_000 }),
        fc.option(fc.integer({ min: 1, max: 10_000 }), { nil: undefined }),
        fc.boolean(),
        fc.integer({ min: 0, max: 5_000 }),
        (ttl, life, vault, renewable, late) => {
          const lease = issuing('database', ttl, life);
          const expiresAt = vault === undefined ? undefined : later(vault);
          const made = madeOf(lease, answer({ expiresAt, renewable }), later(late));
          expect(made.expiresAt <= made.maxExpiresAt).toBe(true);
          expect(made.maxExpiresAt <= lease.maxExpiresAt).toBe(true);
          expect(expiryFrom(start, lease) <= lease.maxExpiresAt).toBe(true);
          if (expiresAt !== undefined) expect(made.expiresAt <= expiresAt).toBe(true);
        },
      ),
    );
  });
});
