import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import pg from 'pg';
import { createApp, type App } from '../../src/app.js';
import {
  bootstrapVault,
  unmountLog,
  vaultNames,
  type BrokerLogin,
  type VaultNames,
} from '../../src/dev/bootstrap.js';
import { brokerSettings, type BrokerSettings } from '../../src/dev/broker-settings.js';
import { startBroker, writeSettings, type DevBroker } from '../../src/dev/dev-broker.js';
import { mountEngines, unmountEngines } from '../../src/dev/engines.js';
import { exampleCredentials, exampleGrant, type CredentialSpecBody } from '../../src/dev/example-specs.js';
import { freePort } from '../../src/dev/free-port.js';
import type { TokenShape } from '../../src/dev/issuer-keys.js';
import { Reaper } from '../../src/dev/reaper.js';
import type { TargetDatabase } from '../../src/dev/target-database.js';
import { VaultOperator } from '../../src/dev/vault-operator.js';
import type { Clock } from '../../src/kernel/clock.js';
import { settingsFrom } from '../../src/settings/load.js';
import { buildOnce } from './build-once.js';
import { freshDatabase, freshTarget, issuerParts, vaultParts, type TestDatabase } from './parts.js';
import { apiCall, type ApiAnswer, type ApiCall } from './api-call.js';
import { merged } from './merged.js';

/** The workload that the seeded grant is for. */
export const WORKER_SUBJECT = 'jobs/nightly-orders';

/** How a world differs from the usual one. */
export interface WorldOptions {
  /** `in-process` unless told: a Nest application in the test's own process. `process` can be killed. */
  readonly mode?: 'process' | 'in-process';
  /** For `process`: variables beside the few that every broker gets, such as `LEASEGATE_CRASH_AT`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Laid over the usual settings; lists replace, mappings are merged. */
  readonly settings?: BrokerSettings;
  /** For `in-process`: a clock that the test moves. */
  readonly clock?: Clock;
  /** Whether the three credentials and the grant `nightly-orders` are created; true unless told. */
  readonly seed?: boolean;
}

/** What may change when a broker is started again. */
export type Restart = Pick<WorldOptions, 'env' | 'settings' | 'clock'>;

/**
 * A broker on real parts that nobody else uses: a database, a target, mounts, policies and a login of its own in the
 * Vault of this run.
 */
export class World {
  readonly #logLines: string[] = [];
  #app: App | undefined;
  #broker: DevBroker | undefined;
  #env: Readonly<Record<string, string>> = {};
  #settings: BrokerSettings;
  #clock: Clock | undefined;

  private constructor(
    private readonly mode: 'process' | 'in-process',
    private readonly reaper: Reaper,
    private readonly folder: string,
    private readonly database: TestDatabase,
    /** The database that credentials are for. */
    readonly target: TargetDatabase,
    /** Vault, with the root token. */
    readonly vault: VaultOperator,
    readonly names: VaultNames,
    readonly login: BrokerLogin,
    readonly baseUrl: string,
    settings: BrokerSettings,
  ) {
    this.#settings = settings;
  }

  static async start(options: WorldOptions): Promise<World> {
    const mode = options.mode ?? 'in-process';
    if (mode === 'process') await buildOnce();
    const names = vaultNames(randomBytes(4).toString('hex'));
    const { address, rootToken } = vaultParts();
    const vault = new VaultOperator(address, rootToken);
    const [database, target] = await Promise.all([freshDatabase(), freshTarget()]);
    const reaper = new Reaper();
    await mountEngines(vault, names.mounts, target);
    const login = await bootstrapVault(vault, names, exampleCredentials(names.mounts));
    const port = await freePort();
    const { url: databaseUrl } = database;
    const issuerUrl = issuerParts().url;
    const usual = brokerSettings({ databaseUrl, vaultAddress: address, names, login, issuerUrl, port });
    const world = new World(
      mode,
      reaper,
      await reaper.directory('world'),
      database,
      target,
      vault,
      names,
      login,
      `http://127.0.0.1:${port}`,
      merged(usual, QUICK, options.settings ?? {}),
    );
    try {
      await world.start(options);
      if (options.seed !== false) await world.seed();
      return world;
    } catch (error) {
      await world.stop();
      throw error;
    }
  }

  /** Connection URL of the broker's own database. */
  get databaseUrl(): string {
    return this.database.url;
  }

  /** The application; only where the broker is in this process. */
  get app(): App {
    if (this.#app === undefined) throw new Error('there is no broker in this process');
    return this.#app;
  }

  /** The process; only where the broker is one. */
  get broker(): DevBroker {
    if (this.#broker === undefined) throw new Error('the broker is not a process of its own');
    return this.#broker;
  }

  /** All that the broker has logged, also before a restart. */
  get log(): string {
    return [...this.#logLines, this.#broker?.output() ?? ''].join('');
  }

  /** The credentials that are seeded: `orders-readonly`, `payments-api` and `internal-tls`. */
  get credentials(): readonly CredentialSpecBody[] {
    return exampleCredentials(this.names.mounts);
  }

  /** A platform's token; of the worker that has the seeded grant unless `sub` is given. */
  workerToken(claims: Readonly<Record<string, unknown>> = {}, shape?: TokenShape): Promise<string> {
    return issuerParts().token({ sub: WORKER_SUBJECT, ...claims }, shape);
  }

  /** An admin's token; with the role `admin` alone unless told. */
  adminToken(roles: readonly string[] = ['admin'], subject = 'alice'): Promise<string> {
    return issuerParts().token({ sub: subject, roles }, { lifetimeSeconds: 3_600 });
  }

  /** A run token, by exchange; run `run-1` and step `step-1` unless told. */
  async runToken(
    wanted: { readonly runId?: string; readonly stepId?: string; readonly subjectToken?: string } = {},
  ): Promise<string> {
    const { body, status } = await this.call('POST', '/oauth2/token', {
      form: {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: wanted.subjectToken ?? (await this.workerToken()),
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        run_id: wanted.runId ?? 'run-1',
        step_id: wanted.stepId ?? 'step-1',
      },
    });
    const { access_token: token } = body as { access_token?: string };
    if (token === undefined) throw new Error(`no run token (${status}): ${JSON.stringify(body)}`);
    return token;
  }

  /** Calls the broker's API; an answer of any status resolves. */
  call(method: string, path: string, call: ApiCall = {}): Promise<ApiAnswer> {
    return apiCall(this.baseUrl, method, path, call);
  }

  /** Rows of the broker's database. */
  async query<T extends object>(text: string, values: readonly unknown[] = []): Promise<T[]> {
    const client = new pg.Client({ connectionString: this.databaseUrl });
    await client.connect();
    try {
      return (await client.query<T>(text, [...values])).rows;
    } finally {
      await client.end();
    }
  }

  /** Users that Vault has made in the target and not dropped. */
  async targetUsers(): Promise<string[]> {
    const client = new pg.Client({ connectionString: this.target.url });
    await client.connect();
    try {
      const { rows } = await client.query<{ name: string }>(
        `SELECT m.rolname AS name FROM pg_auth_members a
         JOIN pg_roles m ON m.oid = a.member JOIN pg_roles g ON g.oid = a.roleid
         WHERE g.rolname = $1 AND m.rolname <> $2 ORDER BY 1`,
        [this.target.readers, this.target.vaultAccount.username],
      );
      return rows.map(({ name }) => name);
    } finally {
      await client.end();
    }
  }

  /** Adds a credential to Vault's policies and to the catalogue. */
  async addCredential(spec: CredentialSpecBody): Promise<void> {
    await bootstrapVault(this.vault, this.names, [...this.credentials, spec]);
    await this.#create('/v1/credentials', spec);
  }

  /** Creates a grant like the seeded one, with other fields where given; answers it. */
  createGrant(fields: Readonly<Record<string, unknown>> & { readonly name: string }): Promise<unknown> {
    return this.#create('/v1/grants', { ...exampleGrant(fields.name, 'dev', WORKER_SUBJECT), ...fields });
  }

  /** Ends the broker: in order, or as the signal does. */
  async stopBroker(signal?: NodeJS.Signals): Promise<void> {
    await this.#app?.close();
    await this.#broker?.stop(signal);
    this.#logLines.push(this.#broker?.output() ?? '');
    this.#app = undefined;
    this.#broker = undefined;
  }

  /** Ends the broker if it runs, and starts it again on the same address and parts. */
  async restart(changes: Restart = {}): Promise<void> {
    await this.stopBroker();
    await this.start(changes);
  }

  /** Another broker in this process on the same parts and at another address; whoever starts it stops it. */
  async replica(): Promise<{ readonly url: string; stop(): Promise<void> }> {
    const app = await createApp(settingsFrom(merged(this.#settings, { server: { port: 0 } })), {
      logTo: { write: (line: string) => void this.#logLines.push(line) },
    });
    return { url: await app.listen(), stop: () => app.close() };
  }

  /** Ends the broker and takes its parts away. */
  async stop(): Promise<void> {
    await this.stopBroker().catch(() => undefined);
    // Of no use to anybody any more; what a test broke on purpose cannot be taken away in order.
    await unmountEngines(this.vault, this.names.mounts).catch(() => undefined);
    await unmountLog(this.vault, this.names).catch(() => undefined);
    await this.database.drop();
    await this.target.drop();
    await this.reaper.close();
  }

  private async start(options: Restart): Promise<void> {
    this.#env = options.env ?? this.#env;
    this.#clock = options.clock ?? this.#clock;
    this.#settings = merged(this.#settings, options.settings ?? {});
    if (this.mode === 'in-process') {
      this.#app = await createApp(settingsFrom(this.#settings), {
        ...(this.#clock === undefined ? {} : { clock: this.#clock }),
        logTo: { write: (line: string) => void this.#logLines.push(line) },
      });
      await this.#app.listen();
      return;
    }
    this.#broker = await startBroker(this.reaper, {
      settingsFile: await writeSettings(this.folder, this.#settings),
      url: this.baseUrl,
      env: { NODE_ENV: 'test', ...this.#env },
      logFile: join(this.folder, 'log'),
    });
  }

  private async seed(): Promise<void> {
    for (const spec of this.credentials) await this.#create('/v1/credentials', spec);
    await this.createGrant({ name: 'nightly-orders' });
  }

  async #create(path: string, body: unknown): Promise<unknown> {
    const answer = await this.call('POST', path, { token: await this.adminToken(), body });
    if (answer.status !== 201)
      throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }
}

/** Everything that waits, waits less: a test sees its effect soon. */
const QUICK: BrokerSettings = {
  server: { drainSeconds: 5 },
  database: { poolSize: 8 },
  scheduler: { tickMs: 100 },
  audit: { sequenceIntervalMs: 25 },
  // What an answer waits for is there in time also where the machine is busy.
  leases: { backoffBaseMs: 100, backoffMaxMs: 1_000, revokeWaitMs: 15_000 },
};

/** Starts a {@link World}. Stop it when the file's tests are done. */
export function startWorld(options: WorldOptions = {}): Promise<World> {
  return World.start(options);
}
