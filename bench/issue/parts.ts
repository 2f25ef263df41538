import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bootstrapVault, vaultNames } from '../../src/dev/bootstrap.js';
import { brokerSettings } from '../../src/dev/broker-settings.js';
import { DEV_ISSUER_NAME } from '../../src/dev/issuer-names.js';
import { leasegateProgram, startBroker, writeSettings, type DevBroker } from '../../src/dev/dev-broker.js';
import { mountEngines, type EngineMounts } from '../../src/dev/engines.js';
import { exampleCredentials, exampleGrant } from '../../src/dev/example-specs.js';
import { freePort } from '../../src/dev/free-port.js';
import { startIssuer, type DevIssuer } from '../../src/dev/issuer.js';
import { startPostgres } from '../../src/dev/postgres.js';
import { Reaper } from '../../src/dev/reaper.js';
import { runSql } from '../../src/dev/sql.js';
import { createTarget } from '../../src/dev/target-database.js';
import { VaultOperator } from '../../src/dev/vault-operator.js';
import { startVault } from '../../src/dev/vault-server.js';
import { findVault } from '../../src/dev/vault-source.js';
import { spawn } from 'node:child_process';

/** The subject of the workload that both sides serve. */
export const SUBJECT = 'bench-worker';
/** The Vault role and policy of the direct path. */
export const DIRECT_ROLE = 'bench-direct';

/** Everything that runs while the benchmark does. */
export interface BenchParts {
  readonly baseUrl: string;
  readonly vault: VaultOperator;
  readonly mounts: EngineMounts;
  readonly issuer: DevIssuer;
  readonly broker: DevBroker;
  stop(): Promise<void>;
}

/**
 * One Vault and one Postgres cluster, which syncs to disk, for both sides; a broker in a process of its own; a worker's grant and
 * catalogue for ours, a JWT login role with the same rights for the direct path.
 */
export async function startParts(progress: (line: string) => void): Promise<BenchParts> {
  const reaper = new Reaper();
  const stops: (() => Promise<void>)[] = [() => reaper.close()];
  const stop = async (): Promise<void> => {
    for (const one of stops.splice(0).reverse()) await one();
  };
  try {
    const folder = await reaper.directory('bench');
    const postgres = await startPostgres(reaper, { durable: true });
    stops.push(() => postgres.stop());
    const vault = await startVault(reaper, await findVault(reaper, progress));
    stops.push(() => vault.stop());
    const issuer = await startIssuer();
    stops.push(() => issuer.stop());
    const operator = new VaultOperator(vault.address, vault.rootToken);
    const target = await createTarget(postgres.url('postgres'), vault.hostSeenFromVault);
    const names = vaultNames('bench');
    const credentials = exampleCredentials(names.mounts);
    await mountEngines(operator, names.mounts, target);
    // Else Vault writes the whole revocation list anew for each certificate that a burst leaves to be revoked.
    await operator.call('POST', `${names.mounts.pki}/config/crl`, { auto_rebuild: true });
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
      env: { LEASEGATE_LOG__LEVEL: 'warn' },
    });
    stops.push(() => broker.stop());
    await allowDirectPath(operator, names.mounts, issuer);
    const admin = await issuer.token({ sub: 'bench-admin', roles: ['admin', 'operator'] });
    for (const credential of credentials) await post(`${baseUrl}/v1/credentials`, admin, credential);
    await post(`${baseUrl}/v1/grants`, admin, exampleGrant('bench', DEV_ISSUER_NAME, SUBJECT));
    return { baseUrl, vault: operator, mounts: names.mounts, issuer, broker, stop };
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

async function allowDirectPath(vault: VaultOperator, mounts: EngineMounts, issuer: DevIssuer): Promise<void> {
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

async function post(url: string, token: string, body: object): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
}
