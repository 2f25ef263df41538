import { vaultPath } from '../vault-path.js';
import type { Change, ChangeKind, Part } from './change.js';
import type { OperatorVault } from './operator.js';
import { differences } from './token-role.js';

type Fields = Readonly<Record<string, unknown>>;

/** A policy with this text. */
export function policyPart(vault: OperatorVault, name: string, text: string): Part {
  const path = vaultPath('sys/policies/acl', name);
  return {
    async plan() {
      const found = (await vault.read(path))?.['policy'];
      if (found === undefined) return change('policy', name, path, 'create', 'is not there');
      if (typeof found === 'string' && found.trim() === text.trim())
        return change('policy', name, path, 'none', '');
      return change('policy', name, path, 'update', 'its text differs from the template');
    },
    async apply() {
      await vault.write(path, { policy: text });
    },
  };
}

/** A policy that nothing asks for any more. */
export function extraPolicyPart(vault: OperatorVault, name: string): Part {
  const path = vaultPath('sys/policies/acl', name);
  return {
    plan: () =>
      Promise.resolve(change('policy', name, path, 'extra', 'no credential of the catalogue has this name')),
    apply: () => vault.delete(path),
  };
}

/** An auth method at a mount. One of another type there is for the operator to sort out. */
export function authMountPart(vault: OperatorVault, mount: string, type: 'approle' | 'jwt'): Part {
  const path = vaultPath('sys/auth', mount);
  return {
    async plan() {
      const found = (await vault.read('sys/auth'))?.[`${mount}/`];
      if (found === undefined) return change('auth-mount', mount, path, 'create', 'is not there');
      const foundType =
        typeof found === 'object' && found !== null && 'type' in found ? found.type : undefined;
      if (foundType === type) return change('auth-mount', mount, path, 'none', '');
      return change('auth-mount', mount, path, 'attention', `is an auth method of another type, not ${type}`);
    },
    async apply() {
      await vault.write(path, { type });
    },
  };
}

/** A role or configuration whose fields are to have these values; what else it has is left alone. */
export function fieldsPart(
  vault: OperatorVault,
  kind: Extract<ChangeKind, 'token-role' | 'approle-role' | 'jwt-role' | 'auth-config'>,
  path: string,
  name: string,
  wanted: Fields,
): Part {
  return {
    async plan() {
      const found = await vault.read(path);
      if (found === undefined) return change(kind, name, path, 'create', 'is not there');
      const differing = differences(found, wanted);
      if (differing.length === 0) return change(kind, name, path, 'none', '');
      return change(kind, name, path, 'update', `differs in ${differing.join(', ')}`);
    },
    async apply() {
      await vault.write(path, wanted);
    },
  };
}

/** Makes a line of a plan. */
export function change(
  kind: ChangeKind,
  name: string,
  path: string,
  action: Change['action'],
  detail: string,
): Change {
  return { kind, name, path, action, detail };
}
