import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { bootstrapVault, vaultNames } from '../bootstrap.js';
import { brokerSettings } from '../broker-settings.js';
import { startBroker, writeSettings, type DevBroker } from '../dev-broker.js';
import { DATABASE_ROLE, mountEngines } from '../engines.js';
import { exampleCredentials, exampleGrant } from '../example-specs.js';
import { freePort } from '../free-port.js';
import { DEV_ISSUER_NAME } from '../issuer-names.js';
import { startIssuerProcess } from '../issuer-process.js';
import { startPostgres, type DevPostgres } from '../postgres.js';
import { leasegate } from '../program-call.js';
import type { Progress } from '../progress.js';
import type { Reaper } from '../reaper.js';
import { runSql } from '../sql.js';
import { createTarget, type TargetDatabase } from '../target-database.js';
import { requestToken } from '../token-request.js';
import { findVault } from '../vault-source.js';
import { BrokerCalls } from './broker-calls.js';
import { StoredVault } from './vault-storage.js';

/** The worker of the drill. */
export const WORKER = 'jobs/nightly-orders';
const BACKUP = 'leasegate_backup';

/** A broker with its database, a Vault with storage and a target, which can be put back to what they were. */
export class DrillParts {
  #broker: DevBroker | undefined;

  private constructor(
    private readonly reaper: Reaper,
    private readonly postgres: DevPostgres,
    private readonly settingsFile: string,
    private readonly ends: readonly (() => Promise<void>)[],
    readonly vault: StoredVault,
    readonly target: TargetDatabase,
    readonly api: BrokerCalls,
    /** Where Vault lists the leases of the database role. */
    readonly leasePrefix: string,
  ) {}

  static async start(reaper: Reaper, progress: Progress): Promise<DrillParts> {
    const source = await findVault(reaper, progress);
    const vault = await StoredVault.start(reaper, source);
    const postgres = await startPostgres(reaper);
    const issuer = await startIssuerProcess(reaper);
    const superuser = postgres.url('postgres');
    await runSql(
      superuser,
      `CREATE ROLE leasegate LOGIN PASSWORD 'drill'`,
      'CREATE DATABASE leasegate OWNER leasegate',
    );
    const target = await createTarget(superuser, '127.0.0.1');
    const names = vaultNames(`drill-${randomBytes(3).toString('hex')}`);
    const credentials = exampleCredentials(names.mounts);
    await mountEngines(vault.operator, names.mounts, target);
    await idempotentRevocation(vault, names.mounts.database, target);
    const login = await bootstrapVault(vault.operator, names, credentials);
    const port = await freePort();
    const databaseUrl = `postgresql://leasegate:drill@127.0.0.1:${postgres.port}/leasegate`;
    const parts = {
      databaseUrl,
      vaultAddress: vault.operator.address,
      names,
      login,
      issuerUrl: issuer.url,
      port,
    };
    const settingsFile = await writeSettings(await reaper.directory('drill'), {
      ...brokerSettings(parts),
      scheduler: { tickMs: 200 },
      // Two differences are many, in a drill with three leases.
      reconciliation: {
        everySeconds: 10,
        holdAbove: 1,
        targets: [{ mount: names.mounts.database, url: target.url }],
      },
    });
    await leasegate(undefined, ['migrate', '--config', settingsFile], new AbortController().signal);
    const url = `http://127.0.0.1:${port}`;
    const api = new BrokerCalls(
      url,
      await requestToken(issuer.url, { sub: 'alice', roles: ['admin'] }, { lifetimeSeconds: 3_600 }),
      () => requestToken(issuer.url, { sub: WORKER }),
    );
    const ends = [() => issuer.stop(), () => vault.stop(), () => postgres.stop()];
    const prefix = `${names.mounts.database}/creds/${DATABASE_ROLE}`;
    const all = new DrillParts(reaper, postgres, settingsFile, ends, vault, target, api, prefix);
    await all.startBroker();
    for (const credential of credentials) await api.admin('POST', '/v1/credentials', credential);
    await api.admin('POST', '/v1/grants', exampleGrant('nightly-orders', DEV_ISSUER_NAME, WORKER));
    return all;
  }

  async startBroker(): Promise<void> {
    this.#broker = await startBroker(this.reaper, { settingsFile: this.settingsFile, url: this.api.url });
  }

  async stopBroker(): Promise<void> {
    await this.#broker?.stop();
    this.#broker = undefined;
  }

  /** Copies the broker's database aside; nobody may be connected. */
  backUpDatabase(): Promise<void> {
    const drop = `DROP DATABASE IF EXISTS ${BACKUP} WITH (FORCE)`;
    return this.superuser(drop, `CREATE DATABASE ${BACKUP} TEMPLATE leasegate OWNER leasegate`);
  }

  /** Puts the copy in the place of the broker's database. */
  restoreDatabase(): Promise<void> {
    const drop = 'DROP DATABASE leasegate WITH (FORCE)';
    return this.superuser(drop, `CREATE DATABASE leasegate TEMPLATE ${BACKUP} OWNER leasegate`);
  }

  /** Rows of the broker's database. */
  async rows<T extends object>(sql: string): Promise<readonly T[]> {
    return queried<T>(this.postgres.url('leasegate'), sql);
  }

  /** Rows of the target. */
  async atTarget<T extends object>(sql: string): Promise<readonly T[]> {
    return queried<T>(this.target.url, sql);
  }

  /** Ends everything; all parts are tried. */
  async stop(): Promise<void> {
    await this.stopBroker().catch(() => undefined);
    for (const end of this.ends) await end().catch(() => undefined);
  }

  private superuser(...statements: readonly string[]): Promise<void> {
    return runSql(this.postgres.url('postgres'), ...statements);
  }
}

/** A Vault that was put back revokes users once more that are gone already: what it says to the target must bear that. */
async function idempotentRevocation(
  vault: StoredVault,
  mount: string,
  target: TargetDatabase,
): Promise<void> {
  await vault.operator.call('POST', `${mount}/roles/${DATABASE_ROLE}`, {
    db_name: 'target',
    creation_statements: [
      `CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}' IN ROLE ${target.readers}`,
    ],
    revocation_statements: ['DROP ROLE IF EXISTS "{{name}}"'],
    default_ttl: '30m',
    max_ttl: '1h',
  });
}

async function queried<T extends object>(url: string, sql: string): Promise<readonly T[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}
