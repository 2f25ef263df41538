import { engineOf } from '../engines.js';
import { vaultPath } from '../vault-path.js';
import type { Part } from './change.js';
import type { BootstrapPlanInput } from './input.js';
import type { OperatorVault } from './operator.js';
import { logParts } from './log-parts.js';
import { authMountPart, extraPolicyPart, fieldsPart, policyPart } from './parts.js';
import { roleAdvice } from './role-advice.js';
import { PolicyTemplates } from './templates.js';
import { tokenRoleFields } from './token-role.js';

/** Everything that is to be in Vault, in the order in which it can be made. */
export async function desiredParts(
  vault: OperatorVault,
  input: BootstrapPlanInput,
): Promise<readonly Part[]> {
  const templates = new PolicyTemplates();
  const { credentials, policyPrefix, leaseTokenRole } = input;
  const policies = credentials.map((credential) =>
    policyPart(vault, `${policyPrefix}${credential.name}`, templates.credential(credential)),
  );
  return [
    ...credentials
      .filter(({ kind }) => engineOf(kind).leases)
      .map((credential) => roleAdvice(vault, credential)),
    ...policies,
    ...(input.log === undefined ? [] : logParts(vault, input.log)),
    policyPart(vault, input.brokerPolicy, templates.broker(input)),
    policyPart(vault, input.reconcilerPolicy, templates.reconciler(input)),
    tokenRolePart(vault, leaseTokenRole, policyPrefix),
    ...loginParts(vault, input),
    ...(await extraPolicies(vault, input)),
  ];
}

function tokenRolePart(vault: OperatorVault, role: string, policyPrefix: string): Part {
  return fieldsPart(
    vault,
    'token-role',
    vaultPath('auth/token/roles', role),
    role,
    tokenRoleFields(policyPrefix),
  );
}

function loginParts(vault: OperatorVault, input: BootstrapPlanInput): readonly Part[] {
  const token = (ttls: { tokenTtlSeconds: number; tokenMaxTtlSeconds: number }): object => ({
    token_policies: [input.brokerPolicy, input.reconcilerPolicy],
    token_no_default_policy: true,
    token_type: 'service',
    token_ttl: ttls.tokenTtlSeconds,
    token_max_ttl: ttls.tokenMaxTtlSeconds,
  });
  const parts: Part[] = [];
  if (input.approle !== undefined) {
    const { mount, role } = input.approle;
    const path = vaultPath('auth', mount, 'role', role);
    parts.push(authMountPart(vault, mount, 'approle'));
    parts.push(
      fieldsPart(vault, 'approle-role', path, role, { bind_secret_id: true, ...token(input.approle) }),
    );
  }
  if (input.jwt !== undefined) {
    const { mount, role, keys } = input.jwt;
    parts.push(authMountPart(vault, mount, 'jwt'));
    if (keys !== undefined) {
      const where =
        'discoveryUrl' in keys ? { oidc_discovery_url: keys.discoveryUrl } : { jwks_url: keys.jwksUrl };
      parts.push(fieldsPart(vault, 'auth-config', vaultPath('auth', mount, 'config'), mount, where));
    }
    const fields = {
      role_type: 'jwt',
      user_claim: 'sub',
      bound_audiences: [input.jwt.boundAudience],
      bound_subject: input.jwt.boundSubject,
      ...token(input.jwt),
    };
    parts.push(fieldsPart(vault, 'jwt-role', vaultPath('auth', mount, 'role', role), role, fields));
  }
  return parts;
}

async function extraPolicies(vault: OperatorVault, input: BootstrapPlanInput): Promise<readonly Part[]> {
  const wanted = new Set(input.credentials.map(({ name }) => `${input.policyPrefix}${name}`));
  const there = await vault.list('sys/policies/acl');
  return there
    .filter((name) => name.startsWith(input.policyPrefix) && !wanted.has(name))
    .map((name) => extraPolicyPart(vault, name));
}
