import type { TestProject } from 'vitest/node';
import { createDataSource } from '../../src/database/data-source.js';
import { startIssuer } from '../../src/dev/issuer.js';
import { startPostgres } from '../../src/dev/postgres.js';
import { Reaper } from '../../src/dev/reaper.js';
import { runSql } from '../../src/dev/sql.js';
import { startVault } from '../../src/dev/vault-server.js';
import { findVault } from '../../src/dev/vault-source.js';
import { settingsFrom } from '../../src/settings/load.js';
import { TEMPLATE_DATABASE } from './provided.js';

/**
 * Starts the real parts once for the whole run: PostgreSQL, Vault or OpenBao, and an OIDC issuer. A part that is
 * missing fails the run. The reaper ends them also when this process is killed.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const reaper = new Reaper();
  const stops: (() => Promise<void>)[] = [() => reaper.close()];
  const teardown = async (): Promise<void> => {
    for (const stop of stops.splice(0).reverse()) await stop();
  };
  try {
    const progress = (line: string): void => console.error(line);
    const [postgres, vault, issuer] = await Promise.all([
      startPostgres(reaper).then((part) => (stops.push(() => part.stop()), part)),
      findVault(reaper, progress)
        .then((source) => startVault(reaper, source))
        .then((part) => (stops.push(() => part.stop()), part)),
      startIssuer().then((part) => (stops.push(() => part.stop()), part)),
    ]);
    await makeTemplate((database) => postgres.url(database));
    project.provide('leasegateParts', {
      postgres: { host: postgres.host, port: postgres.port, adminUrl: postgres.url('postgres') },
      vault: {
        address: vault.address,
        rootToken: vault.rootToken,
        hostSeenFromVault: vault.hostSeenFromVault,
      },
      issuer: { url: issuer.url },
    });
    return teardown;
  } catch (error) {
    await teardown();
    throw error;
  }
}

async function makeTemplate(urlOf: (database: string) => string): Promise<void> {
  await runSql(urlOf('postgres'), `CREATE DATABASE ${TEMPLATE_DATABASE}`);
  const dataSource = createDataSource(migrationSettings(urlOf(TEMPLATE_DATABASE)));
  await dataSource.initialize();
  try {
    await dataSource.runMigrations();
  } finally {
    await dataSource.destroy();
  }
}

function migrationSettings(databaseUrl: string): ReturnType<typeof settingsFrom> {
  return settingsFrom({
    database: { url: databaseUrl, poolSize: 2 },
    vault: {
      address: 'http://127.0.0.1:1',
      login: { method: 'approle', roleId: 'unused', secretId: 'unused' },
    },
    issuers: [{ name: 'unused', url: 'https://unused.example', audience: 'unused' }],
    audit: { hmacKey: 'unused' },
  });
}
