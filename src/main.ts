import { setFlagsFromString } from 'node:v8';
import { createApp } from './app.js';
import { createDataSource } from './database/data-source.js';
import { grantRoles } from './database/roles.js';
import type { Diagnosis } from './doctor.js';
import type { ArchiveStep } from './log-maintenance.js';
import { BrokerError } from './kernel/broker-error.js';
import { loadSettings } from './settings/load.js';
import { settingsReference as settingsMarkdown, settingsJson } from './settings/reference.js';
import { SettingsError } from './settings/settings-error.js';
import { stopOnSignal } from './stop-on-signal.js';
import type { VaultBootstrapOptions } from './vault-bootstrap.js';

export { createApp, type App } from './app.js';
export { loadSettings } from './settings/load.js';

/** What the server-side commands of the command line start with; settings come from `LEASEGATE_CONFIG` and the environment. */
export interface StartOptions {
  /** YAML file with settings. */
  readonly config?: string | undefined;
  /** Runs the migrations first. */
  readonly migrate?: boolean;
  /** Makes the roles of the database, after the migrations. */
  readonly roles?: boolean;
}

/**
 * Serves until SIGTERM or SIGINT, then stops in order. Prints one JSON line with `listening` once it does. A second
 * signal ends it at once.
 */
export async function serve(options: StartOptions | readonly string[] = {}): Promise<void> {
  const { config, migrate: migrateFirst } = optionsOf(options);
  const settings = loadSettings({ file: config });
  // V8 would let the heap nearly double before it collects. Measured: 60 MB less where leases are issued, for no more
  // time; but a third of the throughput of calls, which come more often and leave more behind.
  if (!settings.values.roles.includes('gateway')) setFlagsFromString('--heap-growing-percent=20');
  if (migrateFirst === true) await migrate({ config });
  const app = await connected(() => createApp(settings));
  const stopped = stopOnSignal(app);
  const listening = await app.listen().catch(async (error: unknown) => {
    // Its jobs would go on and keep the process up: a broker that nobody can reach, and nobody restarts.
    await app.close();
    throw error;
  });
  process.stdout.write(
    `${JSON.stringify({ level: 'info', listening, roles: settings.values.roles, pid: process.pid, msg: 'listening' })}\n`,
  );
  await stopped;
}

/** Brings the database to the newest schema; answers the names of the migrations that ran. */
export async function migrate(options: StartOptions = {}): Promise<readonly string[]> {
  const dataSource = createDataSource(loadSettings({ file: options.config }));
  await connected(() => dataSource.initialize());
  try {
    // Two replicas that start at once: the second waits here and finds nothing to do.
    await dataSource.query('SELECT pg_advisory_lock(hashtext($1))', ['leasegate.migrate']);
    const run = await dataSource.runMigrations({ transaction: 'each' });
    if (options.roles === true) await grantRoles(dataSource);
    return run.map(({ name }) => name);
  } finally {
    await dataSource.destroy();
  }
}

/** Archives, removes and destroys entries of the log that are past their age; with `dryRun` only says which. */
export async function archiveLog({ dryRun }: { readonly dryRun: boolean }): Promise<readonly ArchiveStep[]> {
  const { archiveLog: run } = await import('./log-maintenance.js');
  return connected(() => run(loadSettings(), dryRun));
}

/** Brings the archived entries of a class in one part of the log back; answers how many. */
export async function restoreLog(fromIndex: number, name: string, reason?: string): Promise<number> {
  const { restoreLog: run } = await import('./log-maintenance.js');
  return connected(() => run(loadSettings(), fromIndex, name, reason));
}

/** Looks at everything that the broker needs, and says what to do about what is wrong. */
export async function doctor(options: StartOptions = {}): Promise<Diagnosis> {
  try {
    const { examine } = await import('./doctor.js');
    return await examine(loadSettings({ file: options.config }));
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    const advice = '`leasegate settings` prints every setting';
    return {
      ok: false,
      checks: error.problems.map(({ key, problem }) => ({
        name: `setting ${key}`,
        ok: false,
        detail: problem,
        advice,
      })),
    };
  }
}

/** What bootstrapping would change in Vault; with `apply`, changes it. Needs an operator's token in `VAULT_TOKEN`. */
export async function vaultPlan(
  options: VaultBootstrapOptions,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { bootstrapVault } = await import('./vault-bootstrap.js');
  return bootstrapVault(loadSettings(), options);
}

/** {@link vaultPlan} that also does it. */
export function vaultApply(
  options: Omit<VaultBootstrapOptions, 'apply'>,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  return vaultPlan({ ...options, apply: true });
}

/** The reference of all settings, as the documentation has it. */
export function settingsReference(format: 'json' | 'markdown' = 'markdown'): Promise<string> {
  return Promise.resolve(format === 'json' ? settingsJson() : settingsMarkdown());
}

function optionsOf(options: StartOptions | readonly string[]): StartOptions {
  return Array.isArray(options) ? {} : (options as StartOptions);
}

const UNREACHABLE = /^(ECONN[A-Z]+|ENOTFOUND|EAI_[A-Z]+|E(HOST|NET)UNREACH|ETIMEDOUT)$/;

/** A database that cannot be reached at the start is named as such, without the driver's text: it may quote the URL. */
async function connected<T>(start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    if (error instanceof BrokerError) throw error;
    const { code, name } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    // System errors are plain `Error`s; the driver's own carry an SQLSTATE.
    const ofDatabase = UNREACHABLE.test(code) || (name !== 'Error' && /^[0-9A-Z]{5}$/.test(code));
    if (!ofDatabase) throw error;
    throw new BrokerError('database_unavailable', { detail: `The database does not answer (${code}).` });
  }
}
