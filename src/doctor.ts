import { IssuerKeys } from './identity/issuer-keys.js';
import { IssuerRegistry } from './identity/issuer-registry.js';
import { CredentialCatalogue } from './credential/credential-catalogue.js';
import { createApp, type App } from './app.js';
import { pendingMigrations } from './database-state.js';
import type { DataSource } from 'typeorm';
import { functionPowers, powersOverLog } from './database/roles.js';
import { createDataSource } from './database/data-source.js';
import { SystemClock } from './kernel/clock.js';
import { safeErrorText } from './kernel/safe-error.js';
import type { Settings } from './settings/schema.js';
import { VaultDuties } from './vault/vault-duties.js';
import { VaultHealth, type VaultHealthReport } from './vault/vault-health.js';
import { VaultRights } from './vault/vault-rights.js';

/** One thing that the doctor looked at. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  /** What to do about it, where something is wrong. */
  readonly advice?: string;
}

/** Everything that the doctor looked at. */
export interface Diagnosis {
  readonly ok: boolean;
  readonly checks: readonly Check[];
}

const MOST_SKEW_MS = 5_000;
const clock = new SystemClock();

/** Looks at everything that the broker needs, from where it would run. Changes nothing but the login to Vault. */
export async function examine(settings: Settings): Promise<Diagnosis> {
  const checks: Check[] = [{ name: 'settings', ok: true, detail: 'are valid' }];
  const database = await examineDatabase(settings);
  checks.push(...database);
  if (database.every(({ ok }) => ok)) checks.push(...(await examineDependencies(settings)));
  return { ok: checks.every(({ ok }) => ok), checks };
}

async function examineDatabase(settings: Settings): Promise<Check[]> {
  const dataSource = createDataSource(settings);
  try {
    await dataSource.initialize();
    const before = clock.now().getTime();
    const [row] = await dataSource.query<{ now: Date }[]>('SELECT clock_timestamp() AS now');
    const skewMs = row === undefined ? Number.NaN : row.now.getTime() - (before + clock.now().getTime()) / 2;
    const pending = await pendingMigrations(dataSource);
    return [
      { name: 'database', ok: true, detail: 'answers' },
      clockCheck('clock of the database', skewMs),
      await logRights(dataSource, settings),
      await functionRights(dataSource),
      pending.length === 0
        ? { name: 'migrations', ok: true, detail: 'all have run' }
        : {
            name: 'migrations',
            ok: false,
            detail: `${pending.length} have not run`,
            advice: 'run `leasegate migrate`',
          },
    ];
  } catch (error) {
    const advice = 'see that PostgreSQL runs and that database.url names it, its user and its password';
    return [{ name: 'database', ok: false, detail: safeErrorText(error), advice }];
  } finally {
    if (dataSource.isInitialized) await dataSource.destroy();
  }
}

async function examineDependencies(settings: Settings): Promise<Check[]> {
  const app = await createApp(idle(settings));
  try {
    return [
      ...(await examineVault(app)),
      ...(await Promise.all(
        app.nest
          .get(IssuerRegistry, { strict: false })
          .all()
          .map(({ name }) => examineIssuer(app, name)),
      )),
    ];
  } finally {
    await app.close();
  }
}

/** The same settings for a process that does nothing by itself. */
function idle(settings: Settings): Settings {
  const { values } = settings;
  return {
    values: {
      ...values,
      roles: ['api'],
      log: { level: 'silent' },
      leases: { ...values.leases, revocation: 'on' },
    },
  };
}

async function examineVault(app: App): Promise<Check[]> {
  const health = await app.nest.get(VaultHealth, { strict: false }).check();
  const reachable: Check = {
    name: 'vault',
    ok: health.ok,
    detail: health.ok ? health.detail : `${health.state}: ${health.detail}`,
    ...(health.ok ? {} : { advice: health.advice }),
  };
  if (!health.ok) return [reachable];
  const { items } = await app.nest.get(CredentialCatalogue, { strict: false }).list({ limit: 200 });
  const rights = await app.nest.get(VaultRights, { strict: false }).check(items);
  return [
    reachable,
    clockOf(health),
    dutiesOf(await app.nest.get(VaultDuties, { strict: false }).check()),
    ...rights.map(({ check, ok, detail, fix }) => ({
      name: check,
      ok,
      detail,
      ...(fix === '' ? {} : { advice: fix }),
    })),
  ];
}

function clockOf({ clockSkewSeconds: skew }: VaultHealthReport): Check {
  const name = 'clock of Vault';
  return skew === undefined
    ? { name, ok: true, detail: 'Vault does not say' }
    : clockCheck(name, skew * 1_000);
}

function dutiesOf({ ok, state, detail, advice }: VaultHealthReport): Check {
  const name = 'vault duties';
  return ok ? { name, ok, detail } : { name, ok, detail: `${state}: ${detail}`, advice };
}

/** Needed once the log is signed: a signature is worth little when the broker itself could rewrite what it signs. */
async function logRights(dataSource: DataSource, settings: Settings): Promise<Check> {
  const name = 'rights on the log';
  const powers = await powersOverLog(dataSource);
  if (powers.length === 0) return { name, ok: true, detail: 'this login cannot change what was recorded' };
  return {
    name,
    ok: settings.values.audit.log.signing === undefined,
    detail: `this login could ${powers.slice(0, 2).join('; ')}`,
    advice:
      'run `leasegate migrate --roles` as the owner, and let database.url log in as a member of leasegate_app and leasegate_sequencer',
  };
}

/** Functions that act with their owner's rights are doors: each is known, and only who should may go through it. */
async function functionRights(dataSource: DataSource): Promise<Check> {
  const name = 'rights on functions';
  const powers = await functionPowers(dataSource);
  return powers.length === 0
    ? { name, ok: true, detail: 'nobody can do to the log by a function what they could not do themselves' }
    : {
        name,
        ok: false,
        detail: powers.slice(0, 2).join('; '),
        advice:
          'REVOKE EXECUTE … FROM PUBLIC as the owner and run `leasegate migrate --roles`; drop a function that nobody here made',
      };
}

function clockCheck(name: string, skewMs: number): Check {
  const ok = Math.abs(skewMs) <= MOST_SKEW_MS;
  const detail = `differs by ${(skewMs / 1_000).toFixed(1)} s`;
  return { name, ok, detail, ...(ok ? {} : { advice: 'let both machines keep time by NTP' }) };
}

async function examineIssuer(app: App, issuer: string): Promise<Check> {
  const health = await app.nest.get(IssuerKeys, { strict: false }).check(issuer);
  const age = health.ageSeconds === undefined ? '' : `, ${health.ageSeconds} s old`;
  return {
    name: `issuer ${issuer}`,
    ok: health.ok,
    detail: health.detail ?? `its keys can be had${age}`,
    ...(health.ok
      ? {}
      : { advice: 'see that its url (and keys.url) can be reached from here, and allowPrivateAddress' }),
  };
}
