import pg from 'pg';
import { bootstrapVault, vaultNames, type VaultNames } from '../bootstrap.js';
import { mountEngines } from '../engines.js';
import { exampleCredentials } from '../example-specs.js';
import { runSql } from '../sql.js';
import { createTarget } from '../target-database.js';
import { VaultOperator } from '../vault-operator.js';
import { ensureSecret, readSecret, writeSecret } from './secret-files.js';

/** Where the services are. */
export interface ComposeServices {
  readonly postgres: { readonly host: string; readonly port: number };
  /** The name under which Vault reaches PostgreSQL. */
  readonly postgresSeenFromVault: string;
  readonly vaultAddress: string;
}

/** Names in Vault; the broker's settings in `config/compose.yaml` say the same. */
export const COMPOSE_NAMES: VaultNames = vaultNames('compose');

/** The AppRole's role id, fixed so that the settings can name it; it is no secret, the secret id is. */
export const COMPOSE_ROLE_ID = 'leasegate-compose';

/**
 * Makes what an operator has made before a broker starts: its database, and in Vault the engines, policies, token
 * role and login. Safe to repeat; the broker's secret id is a new one each time.
 */
export async function setUp(folder: string, services: ComposeServices): Promise<string> {
  const { host, port } = services.postgres;
  const password = await ensureSecret(folder, 'postgresPassword');
  const adminUrl = `postgresql://postgres:${password}@${host}:${port}/postgres`;
  await createBrokerDatabase(adminUrl, (await readSecret(folder, 'brokerDatabaseUrl')) ?? '');

  const vault = new VaultOperator(services.vaultAddress, await ensureSecret(folder, 'vaultRootToken'));
  const mounts = await vault.call('GET', 'sys/mounts');
  if (!(`${COMPOSE_NAMES.mounts.pki}/` in mounts)) {
    const target = await createTarget(adminUrl, services.postgresSeenFromVault);
    await mountEngines(vault, COMPOSE_NAMES.mounts, target);
  }
  const login = await bootstrapVault(vault, COMPOSE_NAMES, exampleCredentials(COMPOSE_NAMES.mounts));
  const role = `auth/${COMPOSE_NAMES.approleMount}/role/leasegate`;
  await vault.call('POST', `${role}/role-id`, { role_id: COMPOSE_ROLE_ID });
  await writeSecret(folder, 'brokerSecretId', login.secretId);
  return 'database, engines, policies and login are there';
}

async function createBrokerDatabase(adminUrl: string, brokerUrl: string): Promise<void> {
  const { username, password, pathname } = new URL(brokerUrl);
  const database = pathname.slice(1);
  if (!/^[a-z_]+$/.test(username) || !/^[a-z_]+$/.test(database) || !/^[0-9a-f]+$/.test(password)) {
    throw new Error('the database URL of the broker is not one that this program made');
  }
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const role = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [username]);
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database]);
    const verb = role.rowCount === 0 ? 'CREATE' : 'ALTER';
    await client.query(`${verb} ROLE ${username} LOGIN PASSWORD '${password}'`);
    if (found.rowCount === 0) await runSql(adminUrl, `CREATE DATABASE ${database} OWNER ${username}`);
  } finally {
    await client.end();
  }
}
