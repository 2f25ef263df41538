import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { bootstrapVault, clearVault, vaultNames, type VaultNames } from '../bootstrap.js';
import { brokerSettings, type BrokerSettings } from '../broker-settings.js';
import { startBroker, writeSettings } from '../dev-broker.js';
import { mountEngines } from '../engines.js';
import { exampleCredentials } from '../example-specs.js';
import { withFreePort } from '../free-port.js';
import { startIssuerProcess } from '../issuer-process.js';
import { startPostgres } from '../postgres.js';
import type { Progress } from '../progress.js';
import type { Reaper } from '../reaper.js';
import { runSql } from '../sql.js';
import { createTarget, type TargetDatabase } from '../target-database.js';
import { VaultOperator } from '../vault-operator.js';
import { startVault } from '../vault-server.js';
import { findVault } from '../vault-source.js';
import { leasegate } from '../program-call.js';
import { StepFailed } from './steps.js';

/**
 * Everything that the story happens in: made part by part, in order, and ended in the opposite one. A part that is
 * asked for before its step throws.
 */
export class Surroundings {
  readonly #names: VaultNames = vaultNames(`demo-${randomBytes(4).toString('hex')}`);
  readonly #ends: (() => Promise<void>)[] = [];
  #folder: string | undefined;
  #vault: VaultOperator | undefined;
  #vaultIsOurs = true;
  #hostSeenFromVault = '127.0.0.1';
  #databaseUrl: string | undefined;
  #target: TargetDatabase | undefined;
  #issuerUrl: string | undefined;
  #login = { roleId: 'not-made-yet', secretId: 'not-made-yet' };
  #brokerUrl: string | undefined;

  constructor(
    private readonly reaper: Reaper,
    private readonly signal: AbortSignal,
  ) {}

  get issuerUrl(): string {
    return made(this.#issuerUrl);
  }

  get brokerUrl(): string {
    return made(this.#brokerUrl);
  }

  get target(): TargetDatabase {
    return made(this.#target);
  }

  get credentials(): ReturnType<typeof exampleCredentials> {
    return exampleCredentials(this.#names.mounts);
  }

  /** A new folder below ours; it goes with everything else. */
  async home(name: string): Promise<string> {
    this.#folder ??= await this.reaper.directory('demo');
    const path = join(this.#folder, name);
    await mkdir(path, { mode: 0o700, recursive: true });
    return path;
  }

  /** Finds, builds or takes the Vault, and starts it unless it runs already. */
  async startVault(address: string | undefined, progress: Progress): Promise<string> {
    if (address !== undefined) return this.#useVault(address);
    const source = await findVault(this.reaper, progress);
    progress('starting Vault');
    const vault = await startVault(this.reaper, source);
    this.#ends.push(() => vault.stop());
    this.#vault = new VaultOperator(vault.address, vault.rootToken);
    this.#hostSeenFromVault = vault.hostSeenFromVault;
    return `${await this.#version()} at ${vault.address} (${source.origin})`;
  }

  /** One cluster with our own database; the target is made beside it. */
  async startDatabase(): Promise<string> {
    const postgres = await startPostgres(this.reaper);
    this.#ends.push(() => postgres.stop());
    const password = randomBytes(16).toString('hex');
    await runSql(
      postgres.url('postgres'),
      `CREATE ROLE leasegate LOGIN PASSWORD '${password}'`,
      'CREATE DATABASE leasegate OWNER leasegate',
    );
    this.#databaseUrl = `postgresql://leasegate:${password}@${postgres.host}:${postgres.port}/leasegate`;
    this.#target = await createTarget(postgres.url('postgres'), this.#hostSeenFromVault);
    return `PostgreSQL on port ${postgres.port}: database leasegate is ours, ${this.#target.database} is the target`;
  }

  async startIssuer(): Promise<string> {
    const issuer = await startIssuerProcess(this.reaper);
    this.#ends.push(() => issuer.stop());
    this.#issuerUrl = issuer.url;
    return `OpenID provider at ${issuer.url}`;
  }

  async migrate(): Promise<string> {
    const file = await writeSettings(await this.home('broker'), this.#settings(8480));
    const answer = (await leasegate(undefined, ['migrate', '--config', file], this.signal)) as {
      applied: readonly string[];
    };
    return `${answer.applied.length} applied: ${answer.applied.join(', ')}`;
  }

  /** Engines as an operator has them, then what the broker needs: policies, token role, login. */
  async bootstrap(): Promise<string> {
    const vault = made(this.#vault);
    // Before the database ends, which Vault needs to drop the users of leases that are left.
    if (!this.#vaultIsOurs) this.#ends.push(() => clearVault(vault, this.#names));
    await mountEngines(vault, this.#names.mounts, this.target);
    this.#login = await bootstrapVault(vault, this.#names, this.credentials);
    return 'engines mounted; policies, token role and AppRole made from vault-policies/';
  }

  async serve(): Promise<string> {
    const home = await this.home('broker');
    const { broker, url } = await withFreePort(async (port) => {
      const url = `http://127.0.0.1:${port}`;
      const settingsFile = await writeSettings(home, this.#settings(port));
      const broker = await startBroker(this.reaper, { settingsFile, url, logFile: join(home, 'log') });
      return { broker, url };
    });
    this.#ends.push(() => broker.stop());
    this.#brokerUrl = url;
    return `the broker answers at ${url} (process ${broker.pid})`;
  }

  /** Ends everything that was started. All parts are tried; the first failure is thrown after that. */
  async end(): Promise<string> {
    const ends = this.#ends.splice(0).reverse();
    const failures: unknown[] = [];
    for (const end of ends) await end().catch((error: unknown) => failures.push(error));
    if (this.#folder !== undefined) await this.reaper.remove(this.#folder);
    if (failures.length > 0) throw failures[0];
    return 'no process and no file is left';
  }

  async #useVault(address: string): Promise<string> {
    const token = process.env['VAULT_TOKEN'] ?? '';
    if (token === '') throw new StepFailed('--vault-addr needs the token of an operator in VAULT_TOKEN');
    const vault = new VaultOperator(address, token);
    await vault.call('GET', 'auth/token/lookup-self');
    this.#vault = vault;
    this.#vaultIsOurs = false;
    return `${await this.#version()} at ${address}, as told`;
  }

  async #version(): Promise<string> {
    const response = await fetch(`${made(this.#vault).address}/v1/sys/seal-status`, { signal: this.signal });
    const { version } = (await response.json()) as { version?: string };
    return `Vault ${version ?? 'of an unknown version'}`;
  }

  #settings(port: number): BrokerSettings {
    return brokerSettings({
      databaseUrl: made(this.#databaseUrl),
      vaultAddress: made(this.#vault).address,
      names: this.#names,
      login: this.#login,
      issuerUrl: this.issuerUrl,
      port,
    });
  }
}

function made<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('a part is used before its step');
  return part;
}
