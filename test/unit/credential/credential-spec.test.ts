import { describe, expect, it } from 'vitest';
import type { BrokerError } from '../../../src/kernel/broker-error.js';
import { credentialSpecSchema } from '../../../src/credential/credential.js';
import { parseSpec } from '../../../src/credential/spec.js';

const database = { name: 'orders', kind: 'database', mount: 'database', path: 'orders-ro' };
const kv = { name: 'api-key', kind: 'kv', mount: 'kv', path: 'team/api' };
const pki = { name: 'web', kind: 'pki', mount: 'pki', path: 'web', parameters: { common_name: 'a.example' } };

function fieldOf(input: object): string | undefined {
  try {
    parseSpec(credentialSpecSchema, input);
  } catch (error) {
    expect(error).toMatchObject({ code: 'request_invalid' });
    return (error as BrokerError).field;
  }
  throw new Error('it was taken');
}

describe('credentials that are refused', () => {
  it.each([
    [{ ...database, name: 'Orders' }, '/name'],
    [{ ...database, name: 'x'.repeat(64) }, '/name'],
    [{ ...database, kind: 'aws' }, '/kind'],
    [{ ...database, surprise: 1 }, '/surprise'],
    [{ ...database, mount: '' }, '/mount'],
    [{ ...database, mount: '/database' }, '/mount'],
    [{ ...database, mount: 'a/../sys' }, '/mount'],
    [{ ...database, mount: '..' }, '/mount'],
    [{ ...database, path: 'a/b' }, '/path'],
    [{ ...kv, path: 'team//api' }, '/path'],
    [{ ...kv, path: 'team/../other' }, '/path'],
    [{ ...kv, path: './team' }, '/path'],
    [{ ...kv, path: 'team?version=1' }, '/path'],
    [{ ...kv, path: 'team/%2e%2e' }, '/path'],
    [{ ...database, deliveries: [] }, '/deliveries'],
    [{ ...database, deliveries: ['inline', 'inline'] }, '/deliveries'],
    [{ ...database, deliveries: ['by-post'] }, '/deliveries/0'],
    [{ ...database, defaultTtlSeconds: 0 }, '/default_ttl_seconds'],
    [{ ...database, defaultTtlSeconds: -5 }, '/default_ttl_seconds'],
    [{ ...database, maxTtlSeconds: 2_592_001 }, '/max_ttl_seconds'],
    [{ ...database, defaultTtlSeconds: 600, maxTtlSeconds: 300 }, '/default_ttl_seconds'],
    [{ ...kv, revocable: true }, '/revocable'],
    [{ ...kv, parameters: { version: '1' } }, '/parameters/version'],
    [{ ...pki, parameters: {} }, '/parameters/common_name'],
    [{ ...database, parameters: { ttl: '1h' } }, '/parameters'],
  ])('%j', (input, field) => {
    expect(fieldOf(input)).toBe(field);
  });
});

describe('credentials', () => {
  it('have defaults', () => {
    expect(parseSpec(credentialSpecSchema, database)).toEqual({
      ...database,
      parameters: {},
      deliveries: ['inline'],
      defaultTtlSeconds: 900,
      maxTtlSeconds: 3_600,
      revocable: true,
      description: '',
      labels: {},
    });
  });

  it('in KV are never revocable, whatever is left out', () => {
    expect(parseSpec(credentialSpecSchema, kv).revocable).toBe(false);
    expect(parseSpec(credentialSpecSchema, { ...kv, parameters: { version: 3 } }).parameters).toEqual({
      version: 3,
    });
  });

  it('can be checked twice', () => {
    const once = parseSpec(credentialSpecSchema, pki);
    expect(parseSpec(credentialSpecSchema, once)).toEqual(once);
  });
});
