import type { DataSource } from 'typeorm';
import type { Probe, Probes } from './api/health/probe.js';
import { pendingMigrations } from './database-state.js';
import type { IssuerKeys } from './identity/issuer-keys.js';
import type { IssuerRegistry } from './identity/issuer-registry.js';
import type { RevocationHold } from './lease/hold.js';
import type { VaultHealth } from './vault/vault-health.js';

/** A look at each dependency. One issuer that is down must not take the others' workloads down with it. */
export function brokerProbes(
  dataSource: DataSource,
  vault: VaultHealth,
  registry: IssuerRegistry,
  keys: IssuerKeys,
  hold: RevocationHold,
): Probes {
  const issuers = registry.all().map(({ name }): Probe => ({
    name: `issuer:${name}`,
    essential: false,
    check: () => keys.check(name),
  }));
  return {
    all: [
      {
        name: 'database',
        essential: true,
        check: async () => {
          await dataSource.query('SELECT 1');
          return { ok: true };
        },
      },
      {
        name: 'migrations',
        essential: true,
        check: async () => {
          const pending = await pendingMigrations(dataSource);
          return pending.length === 0
            ? { ok: true }
            : { ok: false, detail: `not run: ${pending.join(', ')}; run \`leasegate migrate\`` };
        },
      },
      {
        name: 'vault',
        essential: true,
        check: async () => {
          const { ok, state, detail } = await vault.check();
          return ok ? { ok } : { ok, detail: `${state}: ${detail}` };
        },
      },
      ...issuers,
      {
        name: 'revocation',
        essential: false,
        check: async () => ({ ok: true, detail: (await hold.held()) ? 'hold' : 'on' }),
      },
    ],
  };
}
