import { describe, expect, it } from 'vitest';
import { explainGrants } from '../../../src/grant/explain.js';
import { grantOf, specOf, tokenOf } from './grant-spec-samples.js';

const now = new Date('2026-11-21T10:00:00Z');
const wanted = { runId: 'R', stepId: 'S' };
const token = tokenOf({ sub: 'job', ref: 'dev', hush: 'MARKER-1', nested: { deep: 'MARKER-2' } });
const named = (name: string, claims: Record<string, string>): ReturnType<typeof specOf> =>
  specOf({ name, workload: { claims } });

describe('an explanation', () => {
  it('shows no claim that no clause names', () => {
    const grants = [
      grantOf(named('a', { sub: 'job', ref: 'main' })),
      grantOf(named('b', { '/nested/other': 'x' })),
    ];
    const text = JSON.stringify(explainGrants(grants, token, wanted, now));
    expect(text).toContain('dev');
    expect(text).not.toContain('MARKER');
  });

  it('says that nothing matches, the nearest first', () => {
    const grants = [
      grantOf(named('far', { sub: 'x', ref: 'main' })),
      grantOf(named('near', { sub: 'job', ref: 'main' })),
    ];
    const explanation = explainGrants(grants, token, wanted, now);
    expect(explanation.decision).toMatchObject({ accepted: false, code: 'grant_not_found' });
    expect(explanation.grants.map(({ name }) => name)).toEqual(['near', 'far']);
    expect(explanation.grants[0]?.clauses[1]).toEqual({
      clause: '/workload/claims/ref',
      matched: false,
      wanted: ['main'],
      found: '"dev"',
      nearest: { wanted: 'main', differs: 'part 1: wanted "main", found "dev"' },
    });
  });

  it('says which of several to name', () => {
    const grants = [grantOf(named('a', { sub: 'job' })), grantOf(named('b', { ref: 'dev' }))];
    expect(explainGrants(grants, token, wanted, now).decision).toMatchObject({ code: 'grant_ambiguous' });
    expect(explainGrants(grants, token, { ...wanted, grant: 'b' }, now).decision).toEqual({
      accepted: true,
      grant: 'b',
      run: { runId: 'R', stepId: 'S', runFrom: 'asserted' },
    });
  });

  it('says that a grant is not active, or over before the scheduler came', () => {
    const suspended = grantOf(named('a', { sub: 'job' }), { state: 'suspended' });
    const over = grantOf(named('b', { sub: 'job' }), { expiresAt: now });
    expect(explainGrants([suspended, over], token, { ...wanted, grant: 'a' }, now).decision).toMatchObject({
      code: 'grant_not_active',
      detail: 'grant a is suspended',
    });
    expect(explainGrants([suspended, over], token, { ...wanted, grant: 'b' }, now).decision).toMatchObject({
      detail: 'grant b is expired',
    });
    expect(explainGrants([suspended, over], token, wanted, now).decision).toMatchObject({
      code: 'grant_not_found',
    });
  });

  it('says what is missing of the run', () => {
    expect(explainGrants([grantOf()], token, {}, now).decision).toMatchObject({
      accepted: false,
      code: 'run_identity_missing',
    });
  });

  it('names a grant that does not compile, and does not stop at it', () => {
    const broken = grantOf({ ...specOf(), workload: { claims: {} } });
    const explanation = explainGrants([broken, grantOf(named('b', { sub: 'job' }))], token, wanted, now);
    expect(explanation.decision).toMatchObject({ accepted: true, grant: 'b' });
    expect(explanation.grants[1]).toMatchObject({ matched: false, error: /./ });
  });
});
