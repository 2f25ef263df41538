import { describe, expect, it } from 'vitest';
import { refuseForeignStep, stepOfCall } from '../../../../src/gateway/call/checks/step-of-call.js';
import type { Grant } from '../../../../src/grant/grant.js';
import type { RunIdentity } from '../../../../src/identity/run-token.js';

const identity: RunIdentity = {
  tokenId: 'token',
  runRef: '01890000-0000-7000-8000-000000000001',
  runId: 'run-1',
  stepId: 'step-1',
  grantId: '01890000-0000-7000-8000-000000000002',
  grantName: 'nightly',
  grantVersion: 1,
  issuer: 'https://issuer.example',
  subject: 'jobs/nightly',
  scope: [],
  expiresAt: new Date(0),
};
const grantWith = (stepFrom: 'asserted' | 'claim'): Grant => ({ spec: { run: { stepFrom } } }) as Grant;

describe('the step of a call', () => {
  it.each([
    ['an empty step', identity, ''],
    ['a token without step', { ...identity, stepId: '' }, undefined],
    ['a token without run', { ...identity, runRef: '' }, 'step-2'],
    ['a token without name of the run', { ...identity, runId: '' }, 'step-2'],
  ])('is missing: %s', (_, who, wanted) => {
    expect(() => stepOfCall(who, wanted)).toThrow(expect.objectContaining({ code: 'run_identity_missing' }));
  });

  it.each([' step', 'step ', 'a\nb', 'a\0b', 'é', 'x'.repeat(257)])('is no identifier: %j', (wanted) => {
    expect(() => stepOfCall(identity, wanted)).toThrow(expect.objectContaining({ code: 'request_invalid' }));
  });

  it('is another than the token proves', () => {
    expect(() => refuseForeignStep(identity, 'step-2', grantWith('claim'))).toThrow(
      expect.objectContaining({ code: 'run_identity_refused', field: 'step_id' }),
    );
  });

  it('is the asserted one where the grant lets workers say it, else that of the token', () => {
    expect(stepOfCall(identity, undefined)).toBe('step-1');
    expect(stepOfCall(identity, 'step-2')).toBe('step-2');
    expect(() => refuseForeignStep(identity, 'step-2', grantWith('asserted'))).not.toThrow();
    expect(() => refuseForeignStep(identity, 'step-1', grantWith('claim'))).not.toThrow();
  });
});
