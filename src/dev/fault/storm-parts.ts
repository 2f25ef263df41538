import { createDataSource } from '../../database/data-source.js';
import { settingsFrom } from '../../settings/load.js';
import { startIssuer } from '../issuer.js';
import { startPostgres } from '../postgres.js';
import { Reaper } from '../reaper.js';
import { runSql } from '../sql.js';
import { createTarget } from '../target-database.js';
import { VaultOperator } from '../vault-operator.js';
import { startVault } from '../vault-server.js';
import { findVault } from '../vault-source.js';
import { faultParts, type FaultParts } from './fault-parts.js';

/** Starts PostgreSQL, Vault and an issuer for a storm of its own; `clear` ends them all. */
export async function stormParts(progress: (line: string) => void): Promise<FaultParts> {
  const reaper = new Reaper();
  const stops: (() => Promise<void>)[] = [() => reaper.close()];
  const stop = async (): Promise<void> => {
    for (const one of stops.splice(0).reverse()) await one();
  };
  try {
    const postgres = await startPostgres(reaper);
    stops.push(() => postgres.stop());
    const vault = await startVault(reaper, await findVault(reaper, progress));
    stops.push(() => vault.stop());
    const issuer = await startIssuer();
    stops.push(() => issuer.stop());
    await runSql(postgres.url('postgres'), 'CREATE DATABASE leasegate');
    const databaseUrl = postgres.url('leasegate');
    const target = await createTarget(postgres.url('postgres'), vault.hostSeenFromVault);
    const parts = await faultParts({
      reaper,
      id: 'fault',
      databaseUrl,
      target,
      vault: new VaultOperator(vault.address, vault.rootToken),
      issuerUrl: issuer.url,
      platformToken: (claims) => issuer.token(claims, { lifetimeSeconds: 600 }),
    });
    const place = { port: 0, databaseUrl, vaultAddress: vault.address };
    const dataSource = createDataSource(settingsFrom(parts.settingsOf(place)));
    await dataSource.initialize();
    await dataSource.runMigrations().finally(() => dataSource.destroy());
    return { ...parts, clear: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
