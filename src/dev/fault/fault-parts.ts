import { join } from 'node:path';
import { bootstrapVault, vaultNames, type VaultNames } from '../bootstrap.js';
import { brokerSettings, type BrokerSettings } from '../broker-settings.js';
import { mountEngines, unmountEngines } from '../engines.js';
import { exampleCredentials, type CredentialSpecBody } from '../example-specs.js';
import type { Reaper } from '../reaper.js';
import type { TargetDatabase } from '../target-database.js';
import type { VaultOperator } from '../vault-operator.js';
import { faultSettings } from './fault-settings.js';

/** Longest life of a lease under test, in seconds: what only Vault's TTL ends is gone after this. */
export const LONGEST_LEASE_SECONDS = 20;

/** What the brokers of a fault test stand on. None of it fails by itself: the faults are between it and the brokers. */
export interface FaultParts {
  readonly reaper: Reaper;
  /** The brokers' own database, past the proxies. */
  readonly databaseUrl: string;
  readonly databaseAddress: { readonly host: string; readonly port: number };
  readonly target: TargetDatabase;
  readonly vault: VaultOperator;
  readonly names: VaultNames;
  readonly credentials: readonly CredentialSpecBody[];
  /** What all brokers log goes here. */
  readonly logFile: string;
  /** A token of the platform, with these claims. */
  platformToken(claims: Readonly<Record<string, unknown>>): Promise<string>;
  settingsOf(place: {
    readonly port: number;
    readonly databaseUrl: string;
    readonly vaultAddress: string;
  }): BrokerSettings;
  /** Takes away what was made in Vault. */
  clear(): Promise<void>;
}

/** Makes mounts, policies and a login of their own in a Vault, on a migrated database and a target. */
export async function faultParts(on: {
  readonly reaper: Reaper;
  readonly id: string;
  readonly databaseUrl: string;
  readonly target: TargetDatabase;
  readonly vault: VaultOperator;
  readonly issuerUrl: string;
  readonly platformToken: FaultParts['platformToken'];
}): Promise<FaultParts> {
  const { reaper, databaseUrl, target, vault, issuerUrl, platformToken } = on;
  const names = vaultNames(on.id);
  const credentials = exampleCredentials(names.mounts).map((spec) => ({
    ...spec,
    default_ttl_seconds: 10,
    max_ttl_seconds: LONGEST_LEASE_SECONDS,
  }));
  await mountEngines(vault, names.mounts, target);
  const login = await bootstrapVault(vault, names, credentials);
  const usual = { names, login, issuerUrl };
  // One key for all: the replicas write one log.
  const { audit } = brokerSettings({ ...usual, databaseUrl, vaultAddress: vault.address, port: 0 });
  const { hostname: host, port } = new URL(databaseUrl);
  return {
    reaper,
    databaseUrl,
    databaseAddress: { host, port: Number(port) },
    target,
    vault,
    names,
    credentials,
    logFile: join(await reaper.directory('fault-log'), 'brokers.log'),
    platformToken,
    settingsOf: (place) => faultSettings({ ...brokerSettings({ ...usual, ...place }), audit }),
    clear: () => unmountEngines(vault, names.mounts),
  };
}
