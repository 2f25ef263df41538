import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import { bootstrapVault, vaultNames } from '../bootstrap.js';
import { brokerSettings, type BrokerSettings } from '../broker-settings.js';
import { startBroker, writeSettings } from '../dev-broker.js';
import { mountSecrets, writeSecret } from '../engines.js';
import type { CredentialSpecBody } from '../example-specs.js';
import { withFreePort } from '../free-port.js';
import { DEV_ISSUER_NAME } from '../issuer-names.js';
import { startIssuerProcess } from '../issuer-process.js';
import { startPostgres } from '../postgres.js';
import { leasegate, type Person } from '../program-call.js';
import type { Progress } from '../progress.js';
import type { Reaper } from '../reaper.js';
import { runSql } from '../sql.js';
import { requestToken } from '../token-request.js';
import { VaultOperator } from '../vault-operator.js';
import { startVault } from '../vault-server.js';
import { findVault } from '../vault-source.js';
import type { ToolFile } from './tool-folder.js';

const DEVELOPER = 'developer';
/** As long as a working day, and as long as a run may last. */
const LIFE_SECONDS = 12 * 3_600;

/** What a program needs to reach the broker as the developer. */
export interface LocalAccess {
  readonly url: string;
  readonly adminToken: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** What a local broker serves. */
export interface LocalCatalogue {
  readonly tools: readonly ToolFile[];
  /** Values by credential and field. */
  readonly secrets: ReadonlyMap<string, Readonly<Record<string, string>>>;
}

/** Starts everything that a broker stands on, and what stops it again in order. */
export class LocalBroker {
  readonly #ends: (() => Promise<void>)[] = [];

  constructor(
    private readonly reaper: Reaper,
    private readonly progress: Progress,
    private readonly signal: AbortSignal,
  ) {}

  /** Starts the parts and the broker, and gives the developer a grant for all of the tools. */
  async start({ tools, secrets }: LocalCatalogue): Promise<LocalAccess> {
    const names = vaultNames('local');
    const credentials = [...secrets.keys()].map((name): CredentialSpecBody => {
      return { name, kind: 'kv', mount: names.mounts.kv, path: name, deliveries: ['gateway'] };
    });
    const vault = await this.vault();
    await mountSecrets(vault, names.mounts.kv);
    for (const [name, fields] of secrets) await writeSecret(vault, names.mounts.kv, name, fields);
    const login = await bootstrapVault(vault, names, credentials);
    this.progress('starting PostgreSQL');
    const databaseUrl = await this.database();
    const issuer = await startIssuerProcess(this.reaper);
    this.#ends.push(() => issuer.stop());
    const parts = { databaseUrl, vaultAddress: vault.address, names, login, issuerUrl: issuer.url };
    const url = await this.broker((port) => brokerSettings({ ...parts, port }));
    const adminToken = await requestToken(
      issuer.url,
      { sub: DEVELOPER, roles: ['admin', 'operator', 'auditor'] },
      { lifetimeSeconds: LIFE_SECONDS },
    );
    this.progress('saving the tools');
    const home = await this.reaper.directory('local-admin');
    await this.fill({ url, token: adminToken, home }, credentials, tools);
    const token = await requestToken(issuer.url, { sub: DEVELOPER }, { lifetimeSeconds: LIFE_SECONDS });
    const environment = {
      LEASEGATE_URL: url,
      LEASEGATE_OIDC_TOKEN: token,
      LEASEGATE_RUN_ID: `local-${randomBytes(4).toString('hex')}`,
      LEASEGATE_STEP_ID: 'local',
    };
    return { url, adminToken, environment };
  }

  /** Ends what was started, the last first. */
  async stop(): Promise<void> {
    for (const end of this.#ends.splice(0).reverse()) await end().catch(() => undefined);
  }

  private async vault(): Promise<VaultOperator> {
    const source = await findVault(this.reaper, this.progress);
    this.progress('starting Vault');
    const vault = await startVault(this.reaper, source);
    this.#ends.push(() => vault.stop());
    return new VaultOperator(vault.address, vault.rootToken);
  }

  private async database(): Promise<string> {
    const postgres = await startPostgres(this.reaper);
    this.#ends.push(() => postgres.stop());
    await runSql(postgres.url('postgres'), 'CREATE DATABASE leasegate');
    return postgres.url('leasegate');
  }

  private async broker(settingsAt: (port: number) => BrokerSettings): Promise<string> {
    const home = await this.reaper.directory('local');
    return withFreePort(async (port) => {
      const url = `http://127.0.0.1:${port}`;
      const settingsFile = await writeSettings(home, settingsAt(port));
      this.progress('preparing the database');
      await leasegate(undefined, ['migrate', '--config', settingsFile], this.signal);
      this.progress('starting the broker');
      const broker = await startBroker(this.reaper, { settingsFile, url, logFile: join(home, 'log') });
      this.#ends.push(() => broker.stop());
      return url;
    });
  }

  private async fill(
    admin: Person,
    credentials: readonly CredentialSpecBody[],
    tools: readonly ToolFile[],
  ): Promise<void> {
    const create = (kind: string, body: unknown): Promise<unknown> =>
      leasegate(admin, [kind, 'create', '-f', '-'], this.signal, JSON.stringify(body));
    for (const credential of credentials) await create('credential', credential);
    for (const tool of tools) await create('tool', tool);
    await create('grant', {
      name: 'local',
      description: 'one developer, on this machine',
      issuer: DEV_ISSUER_NAME,
      workload: { claims: { sub: DEVELOPER } },
      run: { from: 'asserted', step_from: 'asserted', max_duration_seconds: LIFE_SECONDS },
      tools: tools.map(({ name }) => ({ name })),
    });
  }
}

/** Lines for a shell; the values are quoted. */
export function exportLines({ url, adminToken, environment }: LocalAccess, folder: string): string {
  const lines = Object.entries({ ...environment, LEASEGATE_TOKEN: adminToken });
  return [
    `# The broker answers at ${url}, with the tools of ${resolve(folder)}.`,
    ...lines.map(([name, value]) => `export ${name}='${value}'`),
  ].join('\n');
}
