import type { IssuerSettings } from '../settings/issuer-schema.js';
import type { PlatformIdentity } from './verified-token.js';

/** The name of a preset. */
export type PresetName = IssuerSettings['preset'];

/** Where a value is: the claim, and the members below it. */
type Path = readonly string[];
/** Parts that make up one value, joined with `/`. */
type Parts = readonly Path[];

/** What a platform puts into its tokens. */
export interface Preset {
  /** For each field the places to look at; the first that is there counts. */
  readonly places: Readonly<Partial<Record<keyof PlatformIdentity, readonly Parts[]>>>;
  /** What every token of the platform has; anything missing is drift. */
  readonly expected: readonly Path[];
  /** How every subject begins. */
  readonly subjectPrefix?: string;
}

const AWS = 'https://sts.amazonaws.com/';
const CIRCLECI = 'oidc.circleci.com/';
const K8S = 'kubernetes.io';
const claim = (...path: string[]): readonly Parts[] => [[path]];

/** The platforms, by preset name. Values that a workload may choose itself are never among the places. */
export const PLATFORM_PRESETS: Readonly<Record<PresetName, Preset>> = {
  // A pod is one execution; https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
  kubernetes: {
    places: { runId: claim(K8S, 'pod', 'uid'), job: claim(K8S, 'pod', 'name') },
    expected: [
      [K8S, 'namespace'],
      [K8S, 'serviceaccount', 'uid'],
      [K8S, 'pod', 'uid'],
    ],
    subjectPrefix: 'system:serviceaccount:',
  },
  // `check_run_id` (the job) is missing on older GitHub Enterprise Servers, so nothing is made of its absence.
  'github-actions': {
    places: {
      runId: claim('run_id'),
      attempt: claim('run_attempt'),
      job: claim('check_run_id'),
      stepId: claim('check_run_id'),
    },
    expected: [['run_id'], ['run_attempt'], ['repository_id'], ['repository_owner_id']],
  },
  'gitlab-ci': {
    places: { runId: claim('pipeline_id'), job: claim('job_id'), stepId: claim('job_id') },
    expected: [['pipeline_id'], ['job_id'], ['project_id'], ['namespace_id']],
  },
  // A JWT-SVID names the workload and no execution: https://spiffe.io/docs/latest/spiffe-specs/jwt-svid/
  spiffe: { places: {}, expected: [], subjectPrefix: 'spiffe://' },
  // The instance is there in full-format tokens of Compute Engine, and not in those of Cloud Run.
  google: {
    places: {
      runId: claim('google', 'compute_engine', 'instance_id'),
      job: claim('google', 'compute_engine', 'instance_name'),
    },
    expected: [['azp']],
  },
  // `request_tags` are not here: whoever asks STS for the token chooses them.
  aws: {
    places: { runId: claim(AWS, 'ec2_source_instance_arn'), job: claim(AWS, 'lambda_source_function_arn') },
    expected: [[AWS, 'aws_account']],
    subjectPrefix: 'arn:',
  },
  azure: { places: { job: claim('xms_az_rid') }, expected: [['oid'], ['tid']] },
  // Build numbers count per pipeline; `step_key` is null for a step without a key.
  buildkite: {
    places: {
      runId: [[['organization_slug'], ['pipeline_slug'], ['build_number']]],
      job: claim('job_id'),
      stepId: [[['step_key']], [['job_id']]],
    },
    expected: [['organization_slug'], ['pipeline_slug'], ['build_number'], ['job_id']],
    subjectPrefix: 'organization:',
  },
  // A rerun is a new workflow under the same pipeline.
  circleci: {
    places: {
      runId: claim(`${CIRCLECI}workflow-id`),
      job: claim(`${CIRCLECI}job-id`),
      stepId: claim(`${CIRCLECI}job-id`),
    },
    expected: [[`${CIRCLECI}workflow-id`], [`${CIRCLECI}job-id`], [`${CIRCLECI}project-id`]],
    subjectPrefix: 'org/',
  },
  'hcp-terraform': {
    places: { runId: claim('terraform_run_id'), stepId: claim('terraform_run_phase') },
    expected: [
      ['terraform_run_id'],
      ['terraform_run_phase'],
      ['terraform_workspace_id'],
      ['terraform_organization_id'],
    ],
    subjectPrefix: 'organization:',
  },
  generic: {
    places: {
      runId: claim('run_id'),
      attempt: claim('run_attempt'),
      job: claim('job_id'),
      stepId: claim('step_id'),
    },
    expected: [],
  },
};

const FIELDS = ['runId', 'attempt', 'job', 'stepId'] as const;
const MAX_LENGTH = 256;

/** What a token says about the execution it belongs to; fields that the token does not prove are left out. */
export function platformIdentity(
  preset: PresetName,
  claims: Readonly<Record<string, unknown>>,
): PlatformIdentity {
  const places = PLATFORM_PRESETS[preset].places;
  const found = FIELDS.map((field) => {
    const values = (places[field] ?? []).map((parts) => joined(claims, parts));
    return [field, values.find((value) => value !== undefined)] as const;
  });
  return Object.fromEntries(found.filter(([, value]) => value !== undefined));
}

/** What a token lacks of what its platform always says: empty when the preset fits. */
export function presetDrift(preset: PresetName, claims: Readonly<Record<string, unknown>>): string[] {
  const { expected, subjectPrefix } = PLATFORM_PRESETS[preset];
  const missing = expected
    .filter((path) => valueAt(claims, path) === undefined)
    .map((path) => path.join('.'));
  const subject = claims['sub'];
  if (subjectPrefix !== undefined && !(typeof subject === 'string' && subject.startsWith(subjectPrefix))) {
    missing.push(`sub ${subjectPrefix}*`);
  }
  return missing;
}

function joined(claims: Readonly<Record<string, unknown>>, parts: Parts): string | undefined {
  const values = parts.map((path) => valueAt(claims, path));
  if (values.includes(undefined)) return undefined;
  const value = values.join('/');
  return value.length <= MAX_LENGTH ? value : undefined;
}

/** A text, or a whole number in decimal (some platforms number their builds); nothing else is an identifier. */
function valueAt(claims: Readonly<Record<string, unknown>>, path: Path): string | undefined {
  let value: unknown = claims;
  for (const member of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, member)) return undefined;
    value = (value as Record<string, unknown>)[member];
  }
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return String(value);
  return typeof value === 'string' && value !== '' && value.length <= MAX_LENGTH ? value : undefined;
}
