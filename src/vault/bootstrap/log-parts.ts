import { vaultPath } from '../vault-path.js';
import type { Part } from './change.js';
import type { BootstrapPlanInput } from './input.js';
import type { OperatorVault } from './operator.js';
import { change } from './parts.js';

type LogInput = NonNullable<BootstrapPlanInput['log']>;

/** What signing the log needs: a transit key that cannot be exported, and a place for the high-water mark. */
export function logParts(vault: OperatorVault, log: LogInput): readonly Part[] {
  return [
    mountPart(vault, log.transitMount, { type: 'transit' }),
    mountPart(vault, log.markMount, { type: 'kv', options: { version: '2' } }),
    keyPart(vault, log),
  ];
}

function mountPart(
  vault: OperatorVault,
  mount: string,
  wanted: { readonly type: string; readonly options?: object },
): Part {
  const path = vaultPath('sys/mounts', mount);
  return {
    async plan() {
      const found = (await vault.read('sys/mounts'))?.[`${mount}/`];
      if (found === undefined) return change('secrets-mount', mount, path, 'create', 'is not there');
      const type = typeof found === 'object' && found !== null && 'type' in found ? found.type : undefined;
      if (type === wanted.type) return change('secrets-mount', mount, path, 'none', '');
      return change(
        'secrets-mount',
        mount,
        path,
        'attention',
        `is an engine of another type, not ${wanted.type}`,
      );
    },
    async apply() {
      await vault.write(path, { ...wanted });
    },
  };
}

function keyPart(vault: OperatorVault, { transitMount, key }: LogInput): Part {
  const path = vaultPath(transitMount, 'keys', key);
  return {
    async plan() {
      const found = await vault.read(path);
      if (found === undefined) return change('log-key', key, path, 'create', 'is not there');
      if (found['type'] !== 'ed25519')
        return change('log-key', key, path, 'attention', 'is not of type ed25519');
      if (found['exportable'] === true) return change('log-key', key, path, 'attention', 'can be exported');
      return change('log-key', key, path, 'none', '');
    },
    async apply() {
      await vault.write(path, { type: 'ed25519', exportable: false });
    },
  };
}
