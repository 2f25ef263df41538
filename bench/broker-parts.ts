import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bootstrapVault, vaultNames } from '../src/dev/bootstrap.js';
import { brokerSettings } from '../src/dev/broker-settings.js';
import { leasegateProgram, startBroker, writeSettings, type DevBroker } from '../src/dev/dev-broker.js';
import { mountEngines, type EngineMounts } from '../src/dev/engines.js';
import { exampleCredentials, type CredentialSpecBody } from '../src/dev/example-specs.js';
import { freePort } from '../src/dev/free-port.js';
import { startIssuer, type DevIssuer } from '../src/dev/issuer.js';
import { startPostgres } from '../src/dev/postgres.js';
import { Reaper } from '../src/dev/reaper.js';
import { runSql } from '../src/dev/sql.js';
import { createTarget, type TargetDatabase } from '../src/dev/target-database.js';
import { VaultOperator } from '../src/dev/vault-operator.js';
import { startVault } from '../src/dev/vault-server.js';
import { findVault } from '../src/dev/vault-source.js';

/** What every benchmark of a running broker stands on. */
export interface BrokerParts {
  readonly reaper: Reaper;
  readonly baseUrl: string;
  /** Connection URL of the broker's own database. */
  readonly databaseUrl: string;
  /** The database that credentials are for. */
  readonly target: TargetDatabase;
  readonly vault: VaultOperator;
  readonly mounts: EngineMounts;
  readonly issuer: DevIssuer;
  readonly broker: DevBroker;
  /** Calls the admin API; throws when it refuses. */
  admin(path: string, body: object): Promise<Record<string, unknown>>;
  /** Ends one more thing when everything stops. */
  onStop(stop: () => Promise<void>): void;
  stop(): Promise<void>;
}

/** What a benchmark changes about them. */
export interface BrokerPartsOptions {
  /** What the broker does; everything unless told. */
  readonly roles?: readonly string[];
  /** Variables beside the usual ones. */
  readonly env?: Readonly<Record<string, string>>;
  /** Settings of the PostgreSQL server, as `name=value`, beside those of an evaluation. */
  readonly postgres?: readonly string[];
  /** Entries of the catalogue as the benchmark wants them, from those of an evaluation. */
  readonly credentials?: (examples: readonly CredentialSpecBody[]) => readonly CredentialSpecBody[];
}

/**
 * PostgreSQL that syncs to disk, Vault, an issuer, and a broker in a process of its own, with the catalogue of an
 * evaluation in it. Everything ends with {@link BrokerParts.stop}, and with this process however it ends.
 */
export async function startBrokerParts(
  progress: (line: string) => void,
  options: BrokerPartsOptions = {},
): Promise<BrokerParts> {
  const reaper = new Reaper();
  const stops: (() => Promise<void>)[] = [() => reaper.close()];
  const stop = async (): Promise<void> => {
    for (const one of stops.splice(0).reverse()) await one();
  };
  try {
    const folder = await reaper.directory('bench');
    const postgres = await startPostgres(reaper, { durable: true, options: options.postgres ?? [] });
    stops.push(() => postgres.stop());
    const vault = await startVault(reaper, await findVault(reaper, progress));
    stops.push(() => vault.stop());
    const issuer = await startIssuer();
    stops.push(() => issuer.stop());
    const operator = new VaultOperator(vault.address, vault.rootToken);
    const target = await createTarget(postgres.url('postgres'), vault.hostSeenFromVault);
    const names = vaultNames('bench');
    const examples = exampleCredentials(names.mounts);
    const credentials = options.credentials?.(examples) ?? examples;
    await mountEngines(operator, names.mounts, target);
    const login = await bootstrapVault(operator, names, credentials);
    await runSql(postgres.url('postgres'), 'CREATE DATABASE leasegate');
    const port = await freePort();
    const settingsFile = await writeSettings(
      folder,
      brokerSettings({
        databaseUrl: postgres.url('leasegate'),
        vaultAddress: vault.address,
        names,
        login,
        issuerUrl: issuer.url,
        port,
      }),
    );
    await migrate(settingsFile);
    const baseUrl = `http://127.0.0.1:${port}`;
    const broker = await startBroker(reaper, {
      settingsFile,
      url: baseUrl,
      env: {
        LEASEGATE_LOG__LEVEL: 'warn',
        ...options.env,
        ...(options.roles === undefined ? {} : { LEASEGATE_ROLES: options.roles.join(',') }),
      },
    });
    stops.push(() => broker.stop());
    const token = await issuer.token({ sub: 'bench-admin', roles: ['admin', 'operator'] });
    const admin = (path: string, body: object): Promise<Record<string, unknown>> =>
      post(`${baseUrl}${path}`, token, body);
    for (const credential of credentials) await admin('/v1/credentials', credential);
    return {
      reaper,
      baseUrl,
      databaseUrl: postgres.url('leasegate'),
      target,
      vault: operator,
      mounts: names.mounts,
      issuer,
      broker,
      admin,
      onStop: (one) => stops.push(one),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Resident memory of a process, in MiB. */
export async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(join('/proc', String(pid), 'status'), 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) / 1024;
}

async function migrate(settingsFile: string): Promise<void> {
  const child = spawn(process.execPath, [leasegateProgram(), 'migrate', '--config', settingsFile], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`leasegate migrate ended with ${code}`);
}

async function post(url: string, token: string, body: object): Promise<Record<string, unknown>> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Record<string, unknown>;
}
