import { describe, expect, it } from 'vitest';
import type { BrokerError } from '../../../src/kernel/broker-error.js';
import { parseSpec } from '../../../src/credential/spec.js';
import { checkAct, GRANT_ACTS, GRANT_STATES, type GrantAct } from '../../../src/grant/grant.js';
import { grantSpecSchema } from '../../../src/grant/grant-spec.js';
import { specOf } from './grant-spec-samples.js';

const acts = Object.keys(GRANT_ACTS) as GrantAct[];

describe('the state machine of grants', () => {
  it.each(acts)('%s is refused from every state that is not listed', (act) => {
    const from: readonly string[] = GRANT_ACTS[act];
    for (const state of GRANT_STATES) {
      const attempt = (): void => checkAct(act, state);
      if (from.includes(state)) expect(attempt).not.toThrow();
      else expect(attempt).toThrow(expect.objectContaining({ code: 'state_transition_refused' }) as Error);
    }
  });

  it('has no way out of revoked and expired', () => {
    for (const act of acts) {
      expect(GRANT_ACTS[act]).not.toContain('revoked');
      expect(GRANT_ACTS[act]).not.toContain('expired');
    }
  });
});

describe('specs that are refused', () => {
  function fieldOf(changes: object): string | undefined {
    try {
      parseSpec(grantSpecSchema, { ...specOf(), ...changes });
    } catch (error) {
      expect(error).toMatchObject({ code: 'request_invalid' });
      return (error as BrokerError).field;
    }
    throw new Error('it was taken');
  }

  it.each([
    [{ name: 'Deploy' }, '/name'],
    [{ name: '' }, '/name'],
    [{ unknown: 1 }, '/unknown'],
    [{ workload: { claims: { sub: [] } } }, '/workload/claims/sub'],
    [{ workload: { claims: { subOne: { a: 1 } } } }, '/workload/claims/subOne'],
    [{ run: { from: 'claim' } }, '/run/step_from'],
    [{ run: { from: 'asserted', stepFrom: 'asserted', runIdClaim: 'x' } }, '/run/run_id_claim'],
    [{ run: { from: 'claim', stepFrom: 'claim', maxDurationSeconds: 0 } }, '/run/max_duration_seconds'],
    [{ credentials: [] }, '/credentials'],
    [{ credentials: [{ name: 'a' }, { name: 'a' }] }, '/credentials/1/name'],
    [{ credentials: [{ name: 'a', maxTtlSeconds: 0 }] }, '/credentials/0/max_ttl_seconds'],
    [{ credentials: [{ name: 'a', maxTtlSeconds: 2_592_001 }] }, '/credentials/0/max_ttl_seconds'],
    [{ credentials: [{ name: 'a', deliveries: [] }] }, '/credentials/0/deliveries'],
    [{ limits: { openRuns: 0 } }, '/limits/open_runs'],
    [{ expiresAt: 'tomorrow' }, '/expires_at'],
    [{ labels: { 'Not a key': 'x' } }, '/labels/Not a key'],
    [{ description: 'a\u0000b' }, undefined],
    [{ description: 'a\ud800b' }, undefined],
  ])('%j', (changes, field) => {
    expect(fieldOf(changes)).toBe(field);
  });

  it('but not for a backslash before what looks like an escape', () => {
    expect(parseSpec(grantSpecSchema, { ...specOf(), description: '\\u0000 and \u{1f600}' }).name).toBe(
      'deploy',
    );
  });
});
