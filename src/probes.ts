import type { DataSource } from 'typeorm';
import type { CheckpointLoop } from './audit/log/checkpoint-loop.js';
import type { Probe, ProbeResult, Probes } from './api/health/probe.js';
import { pendingMigrations } from './database-state.js';
import type { IssuerKeys } from './identity/issuer-keys.js';
import type { IssuerRegistry } from './identity/issuer-registry.js';
import type { RevocationHold } from './lease/hold.js';
import type { VaultDuties } from './vault/vault-duties.js';
import type { VaultHealth, VaultHealthReport } from './vault/vault-health.js';

/** A look at each dependency. One issuer that is down must not take the others' workloads down with it. */
export function brokerProbes(
  dataSource: DataSource,
  vault: VaultHealth,
  duties: VaultDuties,
  registry: IssuerRegistry,
  keys: IssuerKeys,
  hold: RevocationHold,
  signing: CheckpointLoop,
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
        check: async () => vaultResult(await vault.check()),
      },
      {
        // Every replica has these rights and these roles, so traffic is no better off elsewhere; and what needs none of
        // them goes on.
        name: 'vault_rights',
        essential: false,
        check: async () => vaultResult(await duties.check()),
      },
      {
        name: 'vault_clock',
        essential: false,
        check: async () => vaultClock(await vault.check()),
      },
      {
        name: 'audit_log',
        essential: false,
        check: () => Promise.resolve(signing.state()),
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

function vaultResult({ ok, state, detail, advice }: VaultHealthReport): ProbeResult {
  return ok ? { ok } : { ok, state, detail, advice };
}

/** Clocks further apart than this make the times in events hard to match; leases end by durations, and are not hurt. */
export const MOST_SKEW_SECONDS = 5;

function vaultClock({ clockSkewSeconds: skew }: VaultHealthReport): ProbeResult {
  if (skew === undefined || Math.abs(skew) <= MOST_SKEW_SECONDS) return { ok: true };
  const detail = `the clock of Vault differs from ours by ${skew.toFixed(1)} s`;
  return { ok: false, state: 'clock_skewed', detail, advice: 'let both machines keep time by NTP' };
}
