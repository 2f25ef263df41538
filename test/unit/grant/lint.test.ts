import { describe, expect, it } from 'vitest';
import type { IssuerSettings } from '../../../src/settings/issuer-schema.js';
import { lintGrant } from '../../../src/grant/lint.js';
import { credentialOf, specOf } from './grant-spec-samples.js';

const catalogue = new Map([['orders', credentialOf()]]);
const byClaim = { from: 'claim', stepFrom: 'claim' } as const;

function lint(
  claims: Record<string, string | string[]>,
  preset: IssuerSettings['preset'] = 'github-actions',
): string {
  return lintGrant(specOf({ workload: { claims }, run: byClaim }), { preset }, catalogue).join('\n');
}

describe('warnings', () => {
  it('of names that somebody else can take over', () => {
    expect(lint({ repository: 'acme/api' })).toContain('repository_id or repository_owner_id');
    expect(lint({ '/kubernetes.io/namespace': 'prod' }, 'kubernetes')).toContain('serviceaccount/uid');
  });

  it('of a shared issuer without an organisation', () => {
    for (const claims of [
      { ref: 'refs/heads/main' },
      { sub: 'repo:*/*:ref:refs/heads/main' },
      { repository: '*/api' },
    ])
      expect(lint(claims)).toContain('many organisations');
    expect(lint({ repository: ['acme/api', '*/api'] })).toContain('many organisations');
    expect(lint({ sub: 'repo:acme/*:ref:refs/heads/main' })).not.toContain('many organisations');
    expect(lint({ repository_owner_id: '42' })).not.toContain('many organisations');
  });

  it('of claims that whoever starts the job chooses', () => {
    expect(lint({ repository_id: '1', head_ref: 'main' })).toContain('head_ref is chosen');
    expect(lint({ preferred_username: 'ada' }, 'generic')).toContain('preferred_username is chosen');
  });

  it('of wildcards', () => {
    expect(lint({ sub: '*' }, 'generic')).toContain('any token of the issuer');
    expect(lint({ sub: ['job', '*'], ref: 'main' }, 'generic')).toContain('condition on sub is a wildcard');
    expect(lint({ sub: 'repo:*' }, 'generic')).not.toContain('wildcard');
  });

  it('of an issuer that is gone and of runs that nothing proves', () => {
    const warnings = lintGrant(specOf(), undefined, catalogue).join('\n');
    expect(warnings).toContain('not configured');
    expect(warnings).toContain('nothing proves it');
  });

  it('of credentials', () => {
    const spec = specOf({
      credentials: [{ name: 'orders', maxTtlSeconds: 7_200, deliveries: ['wrapped'] }, { name: 'gone' }],
    });
    const entry = credentialOf({ enabled: false, revocable: false, deliveries: ['inline'] });
    const warnings = lintGrant(spec, { preset: 'generic' }, new Map([['orders', entry]])).join('\n');
    for (const part of [
      'cannot be revoked',
      'is disabled',
      'delivered wrapped',
      'at most 3600',
      'no credential gone',
    ])
      expect(warnings).toContain(part);
  });

  it('are none where there is nothing to say', () => {
    expect(lint({ repository_id: '1', repository_owner_id: '2', ref: 'refs/heads/main' })).toBe('');
  });
});
