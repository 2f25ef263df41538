import { randomBytes } from 'node:crypto';
import { DataSource } from 'typeorm';
import { inject } from 'vitest';
import { grantRoles } from '../../src/database/roles.js';
import type { TokenShape } from '../../src/dev/issuer-keys.js';
import { runSql } from '../../src/dev/sql.js';
import { createTarget, type TargetDatabase } from '../../src/dev/target-database.js';
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

/**
 * A login as the broker should have it: with the roles of `leasegate migrate --roles`, and owning nothing. Answers the URL
 * of the same database for it.
 */
export async function leastRights(databaseUrl: string): Promise<string> {
  const dataSource = await new DataSource({ type: 'postgres', url: databaseUrl }).initialize();
  await grantRoles(dataSource).finally(() => dataSource.destroy());
  const name = `leasegate_broker_${randomBytes(4).toString('hex')}`;
  await asSuperuser(
    `CREATE ROLE ${name} LOGIN PASSWORD '${name}' IN ROLE leasegate_app, leasegate_sequencer`,
  );
  const url = new URL(databaseUrl);
  [url.username, url.password] = [name, name];
  return url.href;
}

/** A new database with a table `orders`, for Vault's database engine. */
export function freshTarget(): Promise<TargetDatabase> {
  const { postgres, vault } = inject('leasegateParts');
  return createTarget(postgres.adminUrl, vault.hostSeenFromVault);
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
  await runSql(inject('leasegateParts').postgres.adminUrl, ...statements);
}
