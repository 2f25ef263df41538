import { vaultPath } from '../vault-path.js';
import { VaultError } from '../vault-error.js';
import type { Part } from './change.js';
import type { BootstrapCredential } from './input.js';
import type { OperatorVault } from './operator.js';
import { change } from './parts.js';

/**
 * Looks at the role in the secrets engine that a credential comes from. The role is the operator's own, so nothing is
 * written; what would make leases slow, unrevocable or impossible is said.
 */
export function roleAdvice(vault: OperatorVault, credential: BootstrapCredential): Part {
  const path = vaultPath(credential.mount, 'roles', credential.path);
  return {
    async plan() {
      const advice = await adviceFor(vault, path, credential);
      const action = advice === undefined ? 'none' : 'attention';
      return change('secrets-role', credential.name, path, action, advice ?? '');
    },
    apply: () => Promise.reject(new Error('roles of secrets engines are the operator’s')),
  };
}

async function adviceFor(
  vault: OperatorVault,
  path: string,
  credential: BootstrapCredential,
): Promise<string | undefined> {
  const role = await readRole(vault, path);
  if (role === 'unreadable') return 'could not be read with this token; nothing is known of it';
  if (role === undefined) return 'is not there; leases of this credential will fail';
  if (credential.kind === 'pki') {
    return role['generate_lease'] === true
      ? undefined
      : 'has not generate_lease=true, so its certificates cannot be revoked by lease';
  }
  const roleSeconds = role['default_ttl'];
  const { defaultTtlSeconds } = credential;
  if (defaultTtlSeconds === undefined || typeof roleSeconds !== 'number') return undefined;
  if (roleSeconds !== 0 && roleSeconds <= defaultTtlSeconds) return undefined;
  return `its default_ttl is longer than the ${defaultTtlSeconds} s of the credential, which costs one call more for each lease`;
}

async function readRole(
  vault: OperatorVault,
  path: string,
): Promise<Readonly<Record<string, unknown>> | 'unreadable' | undefined> {
  try {
    return await vault.read(path);
  } catch (error) {
    // A mount that is not there answers like this too.
    if (error instanceof VaultError && (error.code === 'vault_denied' || error.httpStatus === 400))
      return 'unreadable';
    throw error;
  }
}
