import { describe, expect, it } from 'vitest';
import { bootstrapInputSchema, type BootstrapInput } from '../../../src/vault/bootstrap/input.js';
import { PolicyTemplates } from '../../../src/vault/bootstrap/templates.js';

const templates = new PolicyTemplates();
const credential = { name: 'orders', kind: 'database', mount: 'database', path: 'app' } as const;
const parse = (input: BootstrapInput): ReturnType<typeof bootstrapInputSchema.parse> =>
  bootstrapInputSchema.parse(input);

describe('policies', () => {
  it.each([
    { path: '*' },
    { path: 'app*' },
    { path: '+' },
    { path: '../other' },
    { path: 'a/../b' },
    { path: 'app"]\npath "*' },
    { path: '{{identity.entity.id}}' },
    { path: 'a${b}' },
    { path: 'a//b' },
    { path: '' },
    { mount: '/' },
    { mount: 'data*base' },
    { name: 'x"\npath "sys/*' },
    { name: 'a b' },
    { kind: 'aws' },
  ])('refuse a credential with %j', (change) => {
    const changed = { ...credential, ...change } as BootstrapInput['credentials'][number];
    expect(() => parse({ credentials: [changed] })).toThrow();
  });

  it('refuse names of ours that would match more', () => {
    expect(() => parse({ credentials: [], policyPrefix: '' })).toThrow();
    expect(() => parse({ credentials: [], policyPrefix: '*' })).toThrow();
    expect(() => parse({ credentials: [], leaseTokenRole: 'a/b' })).toThrow();
  });

  it('give no right on leases where no credential has any', () => {
    expect(templates.broker(parse({ credentials: [] }))).not.toContain('sys/leases');
    expect(templates.broker(parse({ credentials: [{ ...credential, kind: 'kv' }] }))).not.toContain(
      'sys/leases',
    );
    expect(templates.reconciler(parse({ credentials: [] }))).not.toContain('path "');
  });

  it('limit leases to the mounts of the catalogue, and those that leases still live in', () => {
    const formerMounts = [{ kind: 'pki', mount: 'old-pki' } as const];
    const text = templates.broker(
      parse({ credentials: [credential, { ...credential, name: 'b' }], formerMounts }),
    );
    expect(text.match(/\["database\/creds\/\*", "old-pki\/issue\/\*"\]/g)).toHaveLength(3);
  });

  it('let a lease’s token do one thing', () => {
    const text = (kind: 'database' | 'kv' | 'pki'): string =>
      templates.credential({ ...credential, kind, mount: 'team/m', path: 'r' }).replace(/^#.*\n/gm, '');
    expect(text('database')).toBe('path "team/m/creds/r" {\n  capabilities = ["read"]\n}\n');
    expect(text('kv')).toBe('path "team/m/data/r" {\n  capabilities = ["read"]\n}\n');
    expect(text('pki')).toBe('path "team/m/issue/r" {\n  capabilities = ["create", "update"]\n}\n');
  });

  it('leave no placeholder, and give the broker no write on policies', () => {
    const input = parse({ credentials: [credential] });
    const all = [
      templates.broker(input),
      templates.reconciler(input),
      templates.credential(input.credentials[0]!),
    ];
    for (const text of all) expect(text).not.toMatch(/@[A-Z_]+@/);
    expect(all[0]).toMatch(/sys\/policies\/acl\/leasegate-credential-\*" \{\n {2}capabilities = \["read"\]/);
  });
});
