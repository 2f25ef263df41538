import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BrokerError } from '../../../src/kernel/broker-error.js';
import { runIdentity, type RunAndStep } from '../../../src/grant/run-identity.js';
import type { GrantSpec } from '../../../src/grant/grant-spec.js';
import { tokenOf } from './grant-spec-samples.js';

fc.configureGlobal({ seed: 20_261_121 });

type RunSpec = GrantSpec['run'];
const asserted: RunSpec = { from: 'asserted', stepFrom: 'asserted' };
const claimed: RunSpec = { from: 'claim', stepFrom: 'claim' };
const named: RunSpec = { from: 'claim', runIdClaim: 'build', stepFrom: 'claim', stepIdClaim: '/ci/step' };

function codeOf(find: () => RunAndStep): Pick<BrokerError, 'code' | 'field'> {
  try {
    find();
  } catch (error) {
    return error as BrokerError;
  }
  throw new Error('it was found');
}

describe('run identities that are missing', () => {
  const platform = { runId: 'R', stepId: 'S' };

  it.each<[string, RunSpec, object, object, object, string]>([
    ['asserted run', asserted, {}, platform, { stepId: 'S' }, 'run_id'],
    ['asserted step', asserted, {}, platform, { runId: 'R' }, 'step_id'],
    ['platform run', claimed, {}, { stepId: 'S' }, { runId: 'R', stepId: 'S' }, 'run_id'],
    ['platform step', claimed, {}, { runId: 'R' }, { runId: 'R', stepId: 'S' }, 'step_id'],
    ['claim', named, { ci: { step: 'S' } }, platform, {}, 'run_id'],
    ['claim that is empty', named, { build: '', ci: { step: 'S' } }, platform, {}, 'run_id'],
    ['claim that is a number', named, { build: 7, ci: { step: 'S' } }, platform, {}, 'run_id'],
    ['claim that is a list', named, { build: ['7'], ci: { step: 'S' } }, platform, {}, 'run_id'],
    ['nested claim', named, { build: '7', 'ci.step': 'S' }, platform, {}, 'step_id'],
  ])('%s', (_, spec, claims, where, wanted, field) => {
    const token = tokenOf({ ...claims }, { platform: where });
    expect(codeOf(() => runIdentity(spec, token, wanted))).toMatchObject({
      code: 'run_identity_missing',
      field,
    });
  });
});

describe('run identities that are refused', () => {
  const token = tokenOf({ build: '7', ci: { step: 'S' } }, { platform: { runId: 'R', stepId: 'S' } });

  it.each([
    [{ runId: 'other' }, 'run_id'],
    [{ runId: 'R', stepId: 'other' }, 'step_id'],
    [{ runId: 'r' }, 'run_id'],
  ])('one that contradicts the token: %o', (wanted, field) => {
    expect(codeOf(() => runIdentity(claimed, token, wanted))).toMatchObject({
      code: 'run_identity_refused',
      field,
    });
  });

  it.each(['', ' a', 'a ', 'a\nb', 'a\u0000', 'caf\u00e9', '\u202eabc', 'x'.repeat(257)])(
    'text that is no identifier: %j',
    (text) => {
      expect(codeOf(() => runIdentity(asserted, token, { runId: text, stepId: 'S' }))).toMatchObject({
        code: 'request_invalid',
        field: 'run_id',
      });
      if (text === '') return;
      const odd = tokenOf({ build: text, ci: { step: 'S' } });
      expect(codeOf(() => runIdentity(named, odd, {}))).toMatchObject({ code: 'run_identity_refused' });
    },
  );

  it('anything with a character that is not printable ASCII', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), (text) => {
        fc.pre(!/^[\x20-\x7e]*$/.test(text));
        expect(codeOf(() => runIdentity(asserted, token, { runId: text, stepId: 'S' })).code).toBe(
          'request_invalid',
        );
      }),
    );
  });
});

describe('run identities', () => {
  it('come from the workload where the grant lets it', () => {
    const token = tokenOf({}, { platform: { runId: 'R', stepId: 'S' } });
    expect(runIdentity(asserted, token, { runId: 'mine 1', stepId: 'build' })).toEqual({
      runId: 'mine 1',
      stepId: 'build',
      runFrom: 'asserted',
    });
  });

  it('come from claims, also where the workload repeats them', () => {
    const token = tokenOf({ build: '7', ci: { step: 'S' } }, { platform: { runId: 'R', stepId: 'T' } });
    expect(runIdentity(named, token, {})).toEqual({ runId: '7', stepId: 'S', runFrom: 'claim' });
    expect(runIdentity(claimed, token, { runId: 'R', stepId: 'T' })).toMatchObject({
      runId: 'R',
      stepId: 'T',
    });
    expect(runIdentity({ from: 'claim', stepFrom: 'asserted' }, token, { stepId: 'x' })).toMatchObject({
      runId: 'R',
      stepId: 'x',
    });
  });

  it('count a later attempt as a run of its own', () => {
    const attempt = (n: string): ReturnType<typeof tokenOf> =>
      tokenOf({}, { platform: { runId: 'R', attempt: n, stepId: 'S' } });
    expect(runIdentity(claimed, attempt('1'), {}).runId).toBe('R');
    expect(runIdentity(claimed, attempt('2'), {}).runId).toBe('R.2');
    expect(runIdentity(claimed, attempt('2'), { runId: 'R' }).runId).toBe('R.2');
    expect(codeOf(() => runIdentity(claimed, attempt('2'), { runId: 'R.1' })).code).toBe(
      'run_identity_refused',
    );
  });
});
