import { describe, expect, it } from 'vitest';
import { effectiveScope, narrowedScope, readScope } from '../../../src/run/exchange-scope.js';
import { grantOf, specOf } from '../grant/grant-spec-samples.js';

const refused = expect.objectContaining({ code: 'scope_refused' }) as Error;
const grant = grantOf(specOf({ credentials: [{ name: 'orders' }, { name: 'web' }] }));
const withTools = grantOf(specOf({ credentials: [{ name: 'orders' }], tools: [{ name: 'chat' }] }));

describe('scopes that are refused', () => {
  it.each(['openid', 'credential', 'GRANT:a', 'grant:a grant:b'])('%s', (scope) => {
    expect(() => readScope(scope, undefined)).toThrow(refused);
  });

  it('one that names another grant than the request', () => {
    expect(() => readScope('grant:a', 'b')).toThrow(refused);
  });

  it('a credential that the grant does not have, or that has no name', () => {
    for (const scope of ['credential:payments', 'credential:', 'credential:orders credential:payments'])
      expect(() => narrowedScope(grant, readScope(scope, undefined))).toThrow(refused);
  });
});

describe('tools in scopes', () => {
  it('that the grant does not have are refused, also where a credential is called so', () => {
    for (const scope of ['tool:orders', 'tool:', 'tool:chat tool:other'])
      expect(() => narrowedScope(withTools, readScope(scope, undefined))).toThrow(refused);
  });

  it('narrow like credentials, and are part of what a token may do', () => {
    expect(narrowedScope(withTools, readScope('tool:chat', undefined))).toEqual(['tool:chat']);
    expect(effectiveScope(withTools, [])).toBe('grant:deploy credential:orders tool:chat');
    expect(effectiveScope(withTools, ['tool:chat'])).toBe('grant:deploy tool:chat');
  });
});

describe('scopes', () => {
  it('narrow nothing when they name no credential', () => {
    expect(readScope(undefined, undefined)).toEqual({ grant: undefined, credentials: [], tools: [] });
    expect(narrowedScope(grant, readScope('  grant:deploy ', 'deploy'))).toEqual([]);
    expect(effectiveScope(grant, [])).toBe('grant:deploy credential:orders credential:web');
  });

  it('narrow to the credentials that they name, once each', () => {
    const narrowed = narrowedScope(grant, readScope('credential:web credential:web', undefined));
    expect(narrowed).toEqual(['credential:web']);
    expect(effectiveScope(grant, narrowed)).toBe('grant:deploy credential:web');
  });
});
