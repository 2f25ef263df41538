import type { IssuerSettings } from '../settings/issuer-schema.js';
import type { Credential } from '../credential/credential.js';
import { compilePattern } from './claim-pattern.js';
import type { GrantSpec } from './grant-spec.js';

interface PresetLore {
  /** One issuer serves every customer of the platform, so one of these must say whose token it is. */
  readonly pins?: readonly string[];
  /** Names can be given up and taken by somebody else; these ids cannot. */
  readonly immutable?: readonly string[];
  /** Values that whoever starts the job chooses. */
  readonly selfAsserted?: readonly string[];
}

const LORE: Readonly<Partial<Record<IssuerSettings['preset'], PresetLore>>> = {
  'github-actions': {
    pins: ['sub', 'repository', 'repository_id', 'repository_owner', 'repository_owner_id', 'enterprise_id'],
    immutable: ['repository_id', 'repository_owner_id'],
    selfAsserted: ['head_ref', 'workflow', 'actor', 'base_ref'],
  },
  'gitlab-ci': {
    pins: ['sub', 'namespace_id', 'namespace_path', 'project_id', 'project_path'],
    immutable: ['project_id', 'namespace_id'],
    selfAsserted: ['user_login', 'user_email', 'pipeline_source'],
  },
  kubernetes: { immutable: ['/kubernetes.io/serviceaccount/uid', '/kubernetes.io/pod/uid'] },
  google: { pins: ['sub', 'email', 'hd'], immutable: ['sub'] },
  azure: { immutable: ['oid', 'sub'], selfAsserted: ['preferred_username', 'upn', 'unique_name', 'email'] },
  buildkite: {
    pins: ['sub', 'organization_slug', 'organization_id', 'pipeline_id'],
    immutable: ['pipeline_id', 'organization_id'],
    selfAsserted: ['build_branch', 'build_tag', 'step_key'],
  },
  circleci: { selfAsserted: ['oidc.circleci.com/vcs-ref'] },
  'hcp-terraform': {
    pins: ['sub', 'terraform_organization_name', 'terraform_organization_id'],
    immutable: ['terraform_workspace_id', 'terraform_organization_id'],
  },
  generic: { selfAsserted: ['name', 'nickname', 'preferred_username', 'email'] },
};

/**
 * What an admin should look at before trusting a grant; each warning is one sentence. It never refuses: what must
 * not be saved is refused when the conditions compile. `catalogue` has the entries that the grant names.
 */
export function lintGrant(
  spec: GrantSpec,
  issuer: Pick<IssuerSettings, 'preset'> | undefined,
  catalogue: ReadonlyMap<string, Credential>,
): string[] {
  return [
    ...(issuer === undefined
      ? [`The issuer ${spec.issuer} is not configured, so nothing matches.`]
      : lintConditions(spec, LORE[issuer.preset] ?? {})),
    ...(spec.run.from === 'asserted' ? ['The workload says itself which run it is; nothing proves it.'] : []),
    ...spec.credentials.flatMap((granted) => lintCredential(granted, catalogue.get(granted.name))),
  ];
}

function lintConditions(spec: GrantSpec, lore: PresetLore): string[] {
  const claims = Object.entries(spec.workload.claims).map(([name, wanted]) => ({
    name,
    open: (typeof wanted === 'object' ? wanted : [wanted]).some(
      (value) => compilePattern(value).wildcardOnly,
    ),
    leading: (typeof wanted === 'object' ? wanted : [wanted]).some(
      (value) => typeof value === 'string' && startsOpen(value),
    ),
  }));
  const said = new Map(claims.map((claim) => [claim.name, claim]));
  const warnings: string[] = [];
  if (claims.every((claim) => claim.open))
    warnings.push('Every condition is a wildcard, so any token of the issuer matches.');
  for (const claim of claims.filter(({ open }) => open))
    warnings.push(`The condition on ${claim.name} is a wildcard and only asks that the claim is there.`);
  if (lore.pins?.every((name) => said.get(name)?.leading ?? true) === true)
    warnings.push(
      `The issuer serves many organisations, and no condition says which; pin one of ${lore.pins.join(', ')}.`,
    );
  if (lore.immutable?.some((name) => said.has(name)) === false)
    warnings.push(
      `Names can be taken over by somebody else; add a condition on ${lore.immutable.join(' or ')}, which never change.`,
    );
  for (const name of lore.selfAsserted ?? [])
    if (said.has(name))
      warnings.push(`The claim ${name} is chosen by whoever starts the job; it proves nothing.`);
  return warnings;
}

// Whether a pattern leaves its owner open: `*`, `*/x`, and `repo:*/x`, where the first part is a type.
function startsOpen(pattern: string): boolean {
  const owner = pattern.replace(/^[a-z_]+:/, '').split(/[/:]/)[0] ?? '';
  return owner.includes('*');
}

function lintCredential(
  granted: GrantSpec['credentials'][number],
  credential: Credential | undefined,
): string[] {
  const { name } = granted;
  if (credential === undefined) return [`There is no credential ${name} in the catalogue.`];
  const warnings: string[] = [];
  if (!credential.revocable)
    warnings.push(`${name} cannot be revoked: the secret lives on after its lease ended.`);
  if (!credential.enabled) warnings.push(`${name} is disabled, so it cannot be leased.`);
  const lost = (granted.deliveries ?? []).filter((delivery) => !credential.deliveries.includes(delivery));
  if (lost.length > 0) warnings.push(`${name} cannot be delivered ${lost.join(' or ')}.`);
  if (granted.maxTtlSeconds !== undefined && granted.maxTtlSeconds > credential.maxTtlSeconds)
    warnings.push(
      `${name} lives for at most ${credential.maxTtlSeconds} seconds, which is less than granted.`,
    );
  return warnings;
}
