import { randomBytes } from 'node:crypto';
import type { TargetDatabase } from './target-database.js';
import type { VaultOperator } from './vault-operator.js';

/** Mounts of the engines that credentials come from. */
export interface EngineMounts {
  readonly database: string;
  readonly kv: string;
  readonly pki: string;
}

/** Mounts whose names end in this id; several brokers can then share one Vault. */
export function mountsNamed(id: string): EngineMounts {
  return { database: `database-${id}`, kv: `kv-${id}`, pki: `pki-${id}` };
}

/** Roles and paths below the mounts, which every evaluation has. */
export const DATABASE_ROLE = 'orders-readonly';
export const KV_PATH = 'payments-api';
export const PKI_ROLE = 'internal-tls';

/**
 * Mounts the database engine on the target, KV version 2 with one secret, and PKI with a root of its own.
 * Users that the database role makes are cut off and dropped when their lease ends.
 */
export async function mountEngines(
  vault: VaultOperator,
  mounts: EngineMounts,
  target: TargetDatabase,
): Promise<void> {
  await Promise.all([
    mountDatabase(vault, mounts.database, target),
    mountKv(vault, mounts.kv),
    mountPki(vault, mounts.pki),
  ]);
}

/** Takes the mounts away again, with all that is below them. */
export async function unmountEngines(vault: VaultOperator, mounts: EngineMounts): Promise<void> {
  for (const mount of Object.values(mounts) as string[]) await vault.call('DELETE', `sys/mounts/${mount}`);
}

async function mountDatabase(vault: VaultOperator, mount: string, target: TargetDatabase): Promise<void> {
  await vault.call('POST', `sys/mounts/${mount}`, { type: 'database' });
  await vault.call('POST', `${mount}/config/target`, {
    plugin_name: 'postgresql-database-plugin',
    connection_url: target.connectionUrl,
    username: target.vaultAccount.username,
    password: target.vaultAccount.password,
    max_open_connections: 16,
    max_idle_connections: 16,
    allowed_roles: ['*'],
  });
  await vault.call('POST', `${mount}/roles/${DATABASE_ROLE}`, {
    db_name: 'target',
    creation_statements: [
      `CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}' IN ROLE ${target.readers}`,
    ],
    // The default would leave sessions open that the user already has.
    revocation_statements: [
      'ALTER ROLE "{{name}}" NOLOGIN',
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{{name}}'`,
      'DROP ROLE IF EXISTS "{{name}}"',
    ],
    default_ttl: '5m',
    max_ttl: '1h',
  });
}

async function mountKv(vault: VaultOperator, mount: string): Promise<void> {
  await mountSecrets(vault, mount);
  await writeSecret(vault, mount, KV_PATH, { api_key: `key-${randomBytes(12).toString('hex')}` });
}

/** Mounts KV version 2. */
export async function mountSecrets(vault: VaultOperator, mount: string): Promise<void> {
  await vault.call('POST', `sys/mounts/${mount}`, { type: 'kv', options: { version: '2' } });
}

/** Writes one secret of a KV mount that may have been made a moment ago. */
export async function writeSecret(
  vault: VaultOperator,
  mount: string,
  path: string,
  data: Readonly<Record<string, string>>,
): Promise<void> {
  // A mount that was just made is upgraded to version 2 in the background, and refuses writes until then.
  for (let attempt = 1; ; attempt += 1) {
    try {
      await vault.call('POST', `${mount}/data/${path}`, { data });
      return;
    } catch (error) {
      if (attempt === 50 || !/upgrad/i.test(String(error))) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function mountPki(vault: VaultOperator, mount: string): Promise<void> {
  await vault.call('POST', `sys/mounts/${mount}`, { type: 'pki', config: { max_lease_ttl: '8760h' } });
  await vault.call('POST', `${mount}/root/generate/internal`, {
    common_name: 'Leasegate evaluation root',
    key_type: 'ec',
    key_bits: 256,
    ttl: '8760h',
  });
  await vault.call('POST', `${mount}/roles/${PKI_ROLE}`, {
    allowed_domains: ['internal.example'],
    allow_subdomains: true,
    key_type: 'ec',
    key_bits: 256,
    max_ttl: '1h',
    // Without a lease Vault could not revoke a certificate when the run ends.
    generate_lease: true,
  });
}
