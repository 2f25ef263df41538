import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { vaultPath } from '../../../src/vault/vault-path.js';

describe('vaultPath', () => {
  it.each(['', '/', 'a//b', '/a', 'a/', '.', '..', 'a/../b', 'a/./b', 'a\u0000b', 'a\nb', 'a\u007f'])(
    'refuses %j',
    (part) => {
      expect(() => vaultPath('mount', part)).toThrow(expect.objectContaining({ code: 'vault_refused' }));
    },
  );

  it('encodes what would end the path', () => {
    expect(vaultPath('kv/team', 'data', 'a b?c#d%2e%2e&#x2F;e')).toBe(
      'kv/team/data/a%20b%3Fc%23d%252e%252e%26%23x2F%3Be',
    );
  });

  it('never leaves a mount, whatever the parts are', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 4 }), (parts) => {
        let path;
        try {
          path = vaultPath('mount', ...parts);
        } catch {
          return;
        }
        const url = new URL(`http://vault/v1/${path}`);
        expect(url.pathname).toBe(`/v1/${path}`);
        expect(url.search + url.hash).toBe('');
        expect(url.pathname.startsWith('/v1/mount/')).toBe(true);
      }),
    );
  });
});
