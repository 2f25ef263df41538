import { beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../../src/kernel/secret.js';
import {
  PLATFORM_PRESETS,
  platformIdentity,
  presetDrift,
  type PresetName,
} from '../../../src/identity/presets.js';
import { AUDIENCE, goodClaims, makeKey, signed, verification, type TestKey } from './fixtures.js';

type Claims = Record<string, unknown>;

const samples: [PresetName, Claims, object][] = [
  [
    'kubernetes',
    {
      sub: 'system:serviceaccount:jobs:runner',
      'kubernetes.io': {
        namespace: 'jobs',
        node: { name: 'n1', uid: 'node-uid' },
        pod: { name: 'build-x7k', uid: 'pod-uid' },
        serviceaccount: { name: 'runner', uid: 'sa-uid' },
        warnafter: 1_700_000_000,
      },
    },
    { runId: 'pod-uid', job: 'build-x7k' },
  ],
  [
    'github-actions',
    {
      sub: 'repo:acme/app:ref:refs/heads/main',
      run_id: '123',
      run_attempt: '2',
      check_run_id: '456',
      repository_id: '1',
      repository_owner_id: '2',
    },
    { runId: '123', attempt: '2', job: '456', stepId: '456' },
  ],
  [
    'gitlab-ci',
    {
      sub: 'project_path:acme/app:ref_type:branch:ref:main',
      pipeline_id: '9',
      job_id: '10',
      project_id: '1',
      namespace_id: '2',
      runner_id: 3,
    },
    { runId: '9', job: '10', stepId: '10' },
  ],
  ['spiffe', { sub: 'spiffe://acme.example/app' }, {}],
  [
    'google',
    {
      sub: '1167',
      azp: '1167',
      google: {
        compute_engine: { instance_id: '8371', instance_name: 'vm-1', project_id: 'acme', zone: 'z' },
      },
    },
    { runId: '8371', job: 'vm-1' },
  ],
  [
    'aws',
    {
      sub: 'arn:aws:iam::123456789012:role/runner',
      'https://sts.amazonaws.com/': {
        aws_account: '123456789012',
        ec2_source_instance_arn: 'arn:aws:ec2:us-east-1:123456789012:instance/i-1',
        request_tags: { run_id: 'chosen by the workload' },
      },
    },
    { runId: 'arn:aws:ec2:us-east-1:123456789012:instance/i-1' },
  ],
  [
    'azure',
    { sub: 'x', oid: 'o', tid: 't', xms_az_rid: '/subscriptions/1/vm' },
    { job: '/subscriptions/1/vm' },
  ],
  [
    'buildkite',
    {
      sub: 'organization:acme:pipeline:app:ref:refs/heads/main:commit:c:step:build',
      organization_slug: 'acme',
      pipeline_slug: 'app',
      build_number: 42,
      job_id: 'job-uuid',
      step_key: null,
    },
    { runId: 'acme/app/42', job: 'job-uuid', stepId: 'job-uuid' },
  ],
  [
    'circleci',
    {
      sub: 'org/o/project/p/user/u',
      'oidc.circleci.com/project-id': 'p',
      'oidc.circleci.com/pipeline-id': 'pl',
      'oidc.circleci.com/workflow-id': 'w',
      'oidc.circleci.com/job-id': 'j',
    },
    { runId: 'w', job: 'j', stepId: 'j' },
  ],
  [
    'hcp-terraform',
    {
      sub: 'organization:acme:project:p:workspace:w:run_phase:apply',
      terraform_run_id: 'run-1',
      terraform_run_phase: 'apply',
      terraform_workspace_id: 'ws-1',
      terraform_organization_id: 'org-1',
    },
    { runId: 'run-1', stepId: 'apply' },
  ],
  [
    'generic',
    { sub: 's', run_id: 'r', run_attempt: 1, job_id: 'j', step_id: 's' },
    { runId: 'r', attempt: '1', job: 'j', stepId: 's' },
  ],
];

describe('platformIdentity', () => {
  it.each([
    ['a list', ['r']],
    ['an object', { id: 'r' }],
    ['a truth', true],
    ['nothing', null],
    ['empty text', ''],
    ['long text', 'x'.repeat(257)],
    ['a fraction', 1.5],
    ['a negative number', -1],
    ['a number beyond what is exact', 2 ** 53],
  ])('makes no run of %s', (_, value) => {
    expect(platformIdentity('generic', { run_id: value })).toEqual({});
  });

  it('does not find what objects have by nature', () => {
    expect(platformIdentity('kubernetes', { 'kubernetes.io': { pod: [] } })).toEqual({});
    expect(platformIdentity('kubernetes', { 'kubernetes.io': 'text' })).toEqual({});
  });

  it('does not make up a build that is told only in part', () => {
    expect(platformIdentity('buildkite', { organization_slug: 'acme', build_number: 1 })).toEqual({});
  });

  it.each(samples)('reads %s', (preset, claims, expected) => {
    expect(platformIdentity(preset, claims)).toEqual(expected);
    expect(presetDrift(preset, claims)).toEqual([]);
  });

  it('has a sample of every preset', () => {
    expect(samples.map(([name]) => name).sort()).toEqual(Object.keys(PLATFORM_PRESETS).sort());
  });
});

describe('drift', () => {
  let key: TestKey;
  beforeAll(async () => {
    key = await makeKey('k1');
  });

  const parts = (preset: PresetName): ReturnType<typeof verification> =>
    verification([
      {
        name: 'main',
        url: 'https://issuer.example',
        audience: AUDIENCE,
        preset,
        maxAgeSeconds: 86_400,
        keys: { from: 'inline', jwks: { keys: [key.jwk] } },
      },
    ]);

  it('names what is missing', () => {
    expect(presetDrift('kubernetes', { sub: 'x', 'kubernetes.io': { namespace: 'n' } })).toEqual([
      'kubernetes.io.serviceaccount.uid',
      'kubernetes.io.pod.uid',
      'sub system:serviceaccount:*',
    ]);
  });

  it('is recorded once an hour, and does not refuse the token', async () => {
    const { verifier, events, clock } = parts('gitlab-ci');
    const token = Secret.of(await signed(key, goodClaims({ exp: (goodClaims()['iat'] as number) + 80_000 })));
    await Promise.all([1, 2, 3].map(() => verifier.verify(token, 'workload')));
    expect(events).toEqual([
      {
        kind: 'issuer.preset_drift',
        data: {
          issuer: 'main',
          preset: 'gitlab-ci',
          missing: ['pipeline_id', 'job_id', 'project_id', 'namespace_id'],
        },
      },
    ]);
    clock.advanceMs(3_599_000);
    await verifier.verify(token, 'workload');
    expect(events).toHaveLength(1);
    clock.advanceMs(1_000);
    await verifier.verify(token, 'workload');
    expect(events).toHaveLength(2);
  });

  it('is not recorded when the preset fits', async () => {
    const { verifier, events } = parts('generic');
    await verifier.verify(Secret.of(await signed(key, goodClaims())), 'workload');
    expect(events).toEqual([]);
  });
});
