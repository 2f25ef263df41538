import { randomBytes } from 'node:crypto';
import { runSql } from './sql.js';

/** A database that credentials are for, and the account by which Vault makes users in it. */
export interface TargetDatabase {
  readonly database: string;
  readonly host: string;
  readonly port: number;
  /** The superuser's URL, for looking at `pg_roles` and the like. */
  readonly url: string;
  /** For Vault's `connection_url`: as Vault reaches it, with `{{username}}` and `{{password}}` left open. */
  readonly connectionUrl: string;
  /** Vault's own account there: makes and drops users and ends their sessions, nothing else. */
  readonly vaultAccount: { readonly username: string; readonly password: string };
  /** A group that may read the table `orders`; credentials are made members of it. */
  readonly readers: string;
  /** Connection URL for a user that Vault made. */
  urlFor(account: { readonly username: string; readonly password: string }): string;
  drop(): Promise<void>;
}

/**
 * Makes a new target database in a cluster, with a table `orders`.
 * @param adminUrl the superuser's URL of any database of the cluster
 * @param hostSeenFromVault the name under which Vault reaches the cluster
 */
export async function createTarget(adminUrl: string, hostSeenFromVault: string): Promise<TargetDatabase> {
  const { hostname: host, port } = new URL(adminUrl);
  const id = randomBytes(6).toString('hex');
  const database = `target_${id}`;
  const username = `vault_${id}`;
  const readers = `readers_${id}`;
  const password = randomBytes(16).toString('hex');
  await runSql(
    adminUrl,
    `CREATE DATABASE ${database}`,
    `CREATE ROLE ${username} LOGIN CREATEROLE PASSWORD '${password}'`,
    `CREATE ROLE ${readers} NOLOGIN`,
    `GRANT ${readers} TO ${username} WITH ADMIN TRUE, INHERIT FALSE`,
    `GRANT pg_signal_backend TO ${username}`,
    `REVOKE CONNECT ON DATABASE ${database} FROM PUBLIC`,
    `GRANT CONNECT ON DATABASE ${database} TO ${username}, ${readers}`,
  );
  const inTarget = new URL(adminUrl);
  inTarget.pathname = `/${database}`;
  await runSql(
    inTarget.href,
    'CREATE TABLE orders (id int PRIMARY KEY, item text NOT NULL)',
    "INSERT INTO orders VALUES (1, 'a lamp'), (2, 'a chair'), (3, 'a table')",
    `GRANT SELECT ON orders TO ${readers}`,
  );
  return {
    database,
    host,
    port: Number(port),
    url: inTarget.href,
    connectionUrl: `postgresql://{{username}}:{{password}}@${hostSeenFromVault}:${port}/${database}?sslmode=disable`,
    vaultAccount: { username, password },
    readers,
    urlFor: (account) =>
      `postgresql://${encodeURIComponent(account.username)}:${encodeURIComponent(account.password)}` +
      `@${host}:${port}/${database}`,
    drop: () => runSql(adminUrl, `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`),
  };
}
