import { describe, expect, it } from 'vitest';
import type { BrokerError } from '../../../src/kernel/broker-error.js';
import { compileConditions } from '../../../src/grant/conditions.js';
import type { GrantSpec } from '../../../src/grant/grant-spec.js';

type Workload = GrantSpec['workload'];

function refusal(workload: Workload): Pick<BrokerError, 'code' | 'field'> {
  try {
    compileConditions(workload);
  } catch (error) {
    return error as BrokerError;
  }
  throw new Error('it compiled');
}

const matches = (workload: Workload, claims: Record<string, unknown>): boolean =>
  compileConditions(workload).matches(claims);

describe('conditions that do not compile', () => {
  it.each<[Workload, string]>([
    [{ claims: {} }, '/workload/claims'],
    [{ claims: {}, cel: 'claims.sub == "x"' }, '/workload/claims'],
    [{ claims: { sub: '' } }, '/workload/claims/sub'],
    [{ claims: { sub: ['a', 'b**'] } }, '/workload/claims/sub/1'],
    [{ claims: { '/a~2': 'x' } }, '/workload/claims/~1a~02'],
    [{ claims: { sub: 'x' }, cel: 'claims.sub' }, '/workload/cel'],
    [{ claims: { sub: 'x' }, cel: '' }, '/workload/cel'],
  ])('%o', (workload, field) => {
    expect(refusal(workload)).toMatchObject({ code: 'grant_conditions_invalid', field });
  });
});

describe('conditions', () => {
  it('match nothing where a claim is missing, inherited or of another type', () => {
    expect(matches({ claims: { sub: '*' } }, {})).toBe(false);
    expect(matches({ claims: { constructor: '*' } }, {})).toBe(false);
    expect(matches({ claims: { a: true } }, { a: 'true' })).toBe(false);
    expect(matches({ claims: { a: 'true' } }, { a: true })).toBe(false);
    expect(matches({ claims: { a: '*' } }, { a: { b: 'c' } })).toBe(false);
  });

  it('need every claim, by any of its values', () => {
    const workload = { claims: { sub: ['a', 'b'], ref: 'main' } };
    expect(matches(workload, { sub: 'b', ref: 'main' })).toBe(true);
    expect(matches(workload, { sub: 'c', ref: 'main' })).toBe(false);
    expect(matches(workload, { sub: 'a', ref: 'dev' })).toBe(false);
    expect(matches(workload, { sub: 'a' })).toBe(false);
  });

  it('match a list by any member, and an empty or nested list never', () => {
    const workload = { claims: { groups: 'ops-*' } };
    expect(matches(workload, { groups: ['dev', 'ops-eu'] })).toBe(true);
    expect(matches(workload, { groups: ['dev'] })).toBe(false);
    expect(matches(workload, { groups: [] })).toBe(false);
    expect(matches(workload, { groups: [['ops-eu']] })).toBe(false);
  });

  it('reach nested claims by pointer, and dots are ordinary', () => {
    const claims = { 'kubernetes.io': { namespace: 'prod', 'a/b': 'x' }, list: ['x'] };
    expect(matches({ claims: { '/kubernetes.io/namespace': 'prod' } }, claims)).toBe(true);
    expect(matches({ claims: { '/kubernetes.io/a~1b': 'x' } }, claims)).toBe(true);
    expect(matches({ claims: { 'kubernetes.io.namespace': 'prod' } }, claims)).toBe(false);
    expect(matches({ claims: { '/list/0': 'x' } }, claims)).toBe(false);
  });

  it('need the expression too, and an expression that fails is not a match', () => {
    const workload = { claims: { sub: 'a' }, cel: 'claims.ref == "main"' };
    expect(matches(workload, { sub: 'a', ref: 'main' })).toBe(true);
    expect(matches(workload, { sub: 'a', ref: 'dev' })).toBe(false);
    expect(matches(workload, { sub: 'a' })).toBe(false);
    expect(matches(workload, { sub: 'b', ref: 'main' })).toBe(false);
  });
});

describe('the judgement of each clause', () => {
  it('names what was wanted, what was found and where the nearest differs', () => {
    const conditions = compileConditions({
      claims: { sub: ['repo:acme/api:ref:main', 'repo:other/x:ref:main'], aud: 'leasegate' },
      cel: 'claims.absent == "x"',
    });
    expect(conditions.judge({ sub: 'repo:acme/api:ref:dev', aud: 'leasegate', secret: 'hidden' })).toEqual([
      {
        clause: '/workload/claims/sub',
        matched: false,
        wanted: ['repo:acme/api:ref:main', 'repo:other/x:ref:main'],
        found: '"repo:acme/api:ref:dev"',
        nearest: { wanted: 'repo:acme/api:ref:main', differs: 'part 9: wanted "main", found "dev"' },
      },
      { clause: '/workload/claims/aud', matched: true, wanted: ['leasegate'], found: '"leasegate"' },
      {
        clause: '/workload/cel',
        matched: false,
        wanted: ['claims.absent == "x"'],
        error: 'No such key: absent',
      },
    ]);
  });

  it('says that a claim is missing, or that a list is empty', () => {
    const conditions = compileConditions({ claims: { a: 'x', b: 'y' } });
    expect(conditions.judge({ b: [] }).map(({ found }) => found)).toEqual(['nothing', 'a list']);
  });
});
