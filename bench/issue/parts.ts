import { DEV_ISSUER_NAME } from '../../src/dev/issuer-names.js';
import { DATABASE_ROLE, PKI_ROLE, type EngineMounts } from '../../src/dev/engines.js';
import { exampleGrant } from '../../src/dev/example-specs.js';
import type { DevIssuer } from '../../src/dev/issuer.js';
import type { VaultOperator } from '../../src/dev/vault-operator.js';
import { startBrokerParts, type BrokerParts } from '../broker-parts.js';

/** The subject of the workload that both sides serve. */
export const SUBJECT = 'bench-worker';
/** The Vault policy, login role, and engine roles of the direct path. */
export const DIRECT_ROLE = 'bench-direct';

/** One Vault and one Postgres cluster for both sides; a worker's grant for ours, a JWT login role with the same rights for the direct path. */
export async function startParts(
  progress: (line: string) => void,
  roles: readonly string[] = ['api', 'scheduler', 'sequencer'],
): Promise<BrokerParts> {
  const parts = await startBrokerParts(progress, { roles });
  try {
    // Else Vault writes the whole revocation list anew for each certificate that a burst leaves to be revoked.
    await parts.vault.call('POST', `${parts.mounts.pki}/config/crl`, { auto_rebuild: true });
    await allowDirectPath(parts.vault, parts.mounts, parts.issuer);
    await parts.admin('/v1/grants', exampleGrant('bench', DEV_ISSUER_NAME, SUBJECT));
    return parts;
  } catch (error) {
    await parts.stop();
    throw error;
  }
}

async function allowDirectPath(vault: VaultOperator, mounts: EngineMounts, issuer: DevIssuer): Promise<void> {
  for (const [mount, role] of [
    [mounts.database, DATABASE_ROLE],
    [mounts.pki, PKI_ROLE],
  ] as const) {
    const same = await vault.call('GET', `${mount}/roles/${role}`);
    await vault.call('POST', `${mount}/roles/${DIRECT_ROLE}`, same);
  }
  const policy = [
    `path "${mounts.database}/creds/*" { capabilities = ["read"] }`,
    `path "${mounts.kv}/data/*" { capabilities = ["read"] }`,
    `path "${mounts.pki}/issue/*" { capabilities = ["create", "update"] }`,
  ].join('\n');
  await vault.call('PUT', `sys/policies/acl/${DIRECT_ROLE}`, { policy });
  await vault.call('POST', 'sys/auth/jwt', { type: 'jwt' });
  await vault.call('POST', 'auth/jwt/config', { oidc_discovery_url: issuer.url, bound_issuer: issuer.url });
  await vault.call('POST', `auth/jwt/role/${DIRECT_ROLE}`, {
    role_type: 'jwt',
    user_claim: 'sub',
    bound_subject: SUBJECT,
    bound_audiences: ['urn:leasegate:dev'],
    token_policies: [DIRECT_ROLE],
    token_no_default_policy: true,
    token_ttl: '1h',
  });
}
