import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import type { TokenShape } from '../../src/dev/issuer-keys.js';
import { requestToken } from '../../src/dev/token-request.js';
import { TEMPLATE_DATABASE } from './provided.js';

/** A database of its own. */
export interface TestDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** A migrated, empty database for one test file. */
export async function freshDatabase(): Promise<TestDatabase> {
  const name = `leasegate_${randomBytes(6).toString('hex')}`;
  await asSuperuser(`CREATE DATABASE ${name} TEMPLATE ${TEMPLATE_DATABASE}`);
  return { url: urlOf(name), drop: () => asSuperuser(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

/** A database that credentials are for, and the role by which Vault makes users in it. */
export interface TestTarget extends TestDatabase {
  /** `url` is the superuser's, for looking at `pg_roles` and the like. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** For Vault's `connection_url`: as Vault reaches it, with `{{username}}` and `{{password}}`. */
  readonly connectionUrl: string;
  /** Vault's own account there: may make and drop users, nothing else. */
  readonly vaultAccount: { readonly username: string; readonly password: string };
  /** A group that may read the table `orders`; credentials are made members of it. */
  readonly readers: string;
  /** Connection URL for a user that Vault made. */
  urlFor(account: { readonly username: string; readonly password: string }): string;
}

/** A new database with a table `orders`, for Vault's database engine. */
export async function freshTarget(): Promise<TestTarget> {
  const { postgres, vault } = inject('leasegateParts');
  const id = randomBytes(6).toString('hex');
  const database = `target_${id}`;
  const username = `vault_${id}`;
  const readers = `readers_${id}`;
  const password = randomBytes(16).toString('hex');
  await asSuperuser(
    `CREATE DATABASE ${database}`,
    `CREATE ROLE ${username} LOGIN CREATEROLE PASSWORD '${password}'`,
    `CREATE ROLE ${readers} NOLOGIN`,
    `GRANT ${readers} TO ${username} WITH ADMIN OPTION`,
    `REVOKE CONNECT ON DATABASE ${database} FROM PUBLIC`,
    `GRANT CONNECT ON DATABASE ${database} TO ${username}, ${readers}`,
  );
  await inDatabase(
    urlOf(database),
    'CREATE TABLE orders (id int PRIMARY KEY, item text NOT NULL)',
    "INSERT INTO orders VALUES (1, 'one')",
    `GRANT SELECT ON orders TO ${readers}`,
  );
  return {
    url: urlOf(database),
    host: postgres.host,
    port: postgres.port,
    database,
    connectionUrl: `postgresql://{{username}}:{{password}}@${vault.hostSeenFromVault}:${postgres.port}/${database}?sslmode=disable`,
    vaultAccount: { username, password },
    readers,
    urlFor: (account) =>
      `postgresql://${encodeURIComponent(account.username)}:${encodeURIComponent(account.password)}` +
      `@${postgres.host}:${postgres.port}/${database}`,
    drop: () => asSuperuser(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`),
  };
}

/** The Vault of this run. Mounts, roles and policies that a test makes have names of their own. */
export function vaultParts(): {
  readonly address: string;
  readonly rootToken: string;
  readonly hostSeenFromVault: string;
} {
  return inject('leasegateParts').vault;
}

/** The development issuer of this run. */
export function issuerParts(): {
  readonly url: string;
  /** Makes a workload's token; `sub` and whatever the grant looks at are claims. */
  token(claims: Readonly<Record<string, unknown>>, shape?: TokenShape): Promise<string>;
} {
  const { url } = inject('leasegateParts').issuer;
  return { url, token: (claims, shape) => requestToken(url, claims, shape) };
}

function urlOf(database: string): string {
  const url = new URL(inject('leasegateParts').postgres.adminUrl);
  url.pathname = `/${database}`;
  return url.href;
}

async function asSuperuser(...statements: readonly string[]): Promise<void> {
  await inDatabase(inject('leasegateParts').postgres.adminUrl, ...statements);
}

async function inDatabase(url: string, ...statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
