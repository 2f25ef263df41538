import 'reflect-metadata';
import { Global, Module, type DynamicModule, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DataSource } from 'typeorm';
import { AuditInbox } from '../../../src/audit/audit-inbox.js';
import { CredentialCatalogue } from '../../../src/credential/credential-catalogue.js';
import { createDataSource } from '../../../src/database/data-source.js';
import { DataSourceTransactions, Transactions } from '../../../src/database/transaction.js';
import { Grants } from '../../../src/grant/grants.js';
import { Clock, SystemClock } from '../../../src/kernel/clock.js';
import { Ids, RandomIds } from '../../../src/kernel/ids.js';
import { Log, SilentLog } from '../../../src/kernel/log.js';
import { Urgency } from '../../../src/kernel/urgency.js';
import { CredentialSource } from '../../../src/lease/credential-source.js';
import { LeaseDecisions } from '../../../src/lease/lease-decisions.js';
import { LeaseEnd } from '../../../src/lease/end.js';
import { LeaseExpiry } from '../../../src/lease/expire.js';
import { LeaseForget } from '../../../src/lease/forget.js';
import { RevocationHold } from '../../../src/lease/hold.js';
import { LeaseIssue } from '../../../src/lease/issue.js';
import { LeaseMetrics } from '../../../src/lease/lease-metrics.js';
import { LeaseModule } from '../../../src/lease/lease.module.js';
import { Leases } from '../../../src/lease/leases.js';
import { Reconcile } from '../../../src/lease/reconcile/reconcile.js';
import { Reconciliations } from '../../../src/lease/reconcile/reconciliations.js';
import { VaultInventory } from '../../../src/lease/reconcile/vault-inventory.js';
import { LeaseRenewal } from '../../../src/lease/renew.js';
import { Retention } from '../../../src/lease/retention.js';
import { LeaseRetry } from '../../../src/lease/retry.js';
import { RevocationLag } from '../../../src/lease/revocation-lag.js';
import { RevocationClaims } from '../../../src/lease/revocation-claims.js';
import { Revoker } from '../../../src/lease/revoker.js';
import { Runs } from '../../../src/run/runs.js';
import { RegisteredJobs } from '../../../src/scheduler/registered-jobs.js';
import { SchedulerModule } from '../../../src/scheduler/scheduler.module.js';
import { settingsFrom } from '../../../src/settings/load.js';
import { Settings } from '../../../src/settings/schema.js';
import { SystemTimers } from '../../../src/vault/timers.js';
import { VaultClient } from '../../../src/vault/vault-client.js';
import { VaultCredentialSource } from '../../../src/vault/vault-credential-source.js';
import { VaultTroubles } from '../../../src/vault/vault-troubles.js';
import { VaultLeaseInventory } from '../../../src/vault/vault-lease-inventory.js';
import { VaultSession } from '../../../src/vault/vault-session.js';
import { NoTimings } from '../../../src/vault/vault-timings.js';
import type { VaultMounts } from './vault-mounts.js';
import { watched, type WatchedSource } from './watched-source.js';

/** The machine's clock, which a test can put forward. */
export class ShiftedClock extends SystemClock {
  shiftMs = 0;

  override now(): Date {
    return new Date(super.now().getTime() + this.shiftMs);
  }

  override monotonicMs(): number {
    return super.monotonicMs() + this.shiftMs;
  }
}

/** A broker without its HTTP side and without running jobs: a test does by hand what they would. */
export interface LeaseBroker {
  readonly issue: LeaseIssue;
  readonly decisions: LeaseDecisions;
  readonly renewal: LeaseRenewal;
  readonly end: LeaseEnd;
  readonly leases: Leases;
  readonly expiry: LeaseExpiry;
  readonly revoker: Revoker;
  readonly claims: RevocationClaims;
  readonly hold: RevocationHold;
  readonly reconcile: Reconcile;
  readonly reconciliations: Reconciliations;
  readonly retention: Retention;
  readonly metrics: LeaseMetrics;
  readonly retry: LeaseRetry;
  readonly forget: LeaseForget;
  readonly lag: RevocationLag;
  readonly catalogue: CredentialCatalogue;
  readonly grants: Grants;
  readonly runs: Runs;
  readonly jobs: RegisteredJobs;
  readonly audit: AuditInbox;
  readonly transactions: Transactions;
  readonly ids: Ids;
  readonly clock: ShiftedClock;
  readonly source: WatchedSource;
  stop(): Promise<void>;
}

/** Settings of leases that a test wants otherwise. */
export type LeaseSettings = Partial<Settings['values']['leases']> & {
  /** As a settings file has them. */
  readonly reconciliation?: Readonly<Record<string, unknown>>;
};

/** Starts one broker on a database; several on the same one are replicas. */
export async function startLeaseBroker(
  databaseUrl: string,
  mounts: VaultMounts,
  { reconciliation = {}, ...leases }: LeaseSettings = {},
): Promise<LeaseBroker> {
  const settings = settingsFrom({
    roles: ['api'],
    database: { url: databaseUrl, poolSize: 20 },
    vault: {
      address: mounts.address,
      login: {
        method: 'approle',
        mount: mounts.approleMount,
        roleId: mounts.roleId,
        secretId: mounts.secretId,
      },
      leaseTokenRole: mounts.leaseTokenRole,
      policyPrefix: mounts.policyPrefix,
    },
    issuers: [{ name: 'test', url: 'https://issuer.example', audience: 'leasegate' }],
    audit: { hmacKey: 'a key for tests' },
    reconciliation: { vaultPerSecond: 1_000, ...reconciliation },
    leases: { backoffBaseMs: 100, backoffMaxMs: 1_000, ...leases },
  });
  const clock = new ShiftedClock();
  const log = new SilentLog();
  const ids = new RandomIds(clock);
  const dataSource = await createDataSource(settings).initialize();
  const { vault } = settings.values;
  const client = new VaultClient(
    { ...vault, redirectAddresses: [], caFile: vault.caFile, namespace: vault.namespace },
    clock,
    new NoTimings(),
  );
  const session = new VaultSession(client, vault.login, clock, new SystemTimers(), log, ids);
  const source = watched(new VaultCredentialSource(client, session, clock, vault, new VaultTroubles(clock)));
  const bound: DynamicModule = {
    module: BoundParts,
    providers: [
      { provide: Settings, useValue: settings },
      { provide: Clock, useValue: clock },
      { provide: Urgency, useValue: new Urgency(clock) },
      { provide: Ids, useValue: ids },
      { provide: Log, useValue: log },
      { provide: DataSource, useValue: dataSource },
      { provide: Transactions, useValue: new DataSourceTransactions(dataSource) },
      { provide: CredentialSource, useValue: source },
      { provide: VaultInventory, useValue: new VaultLeaseInventory(client, session, vault) },
      AuditInbox,
    ],
    exports: [
      Settings,
      Clock,
      Urgency,
      Ids,
      Log,
      DataSource,
      Transactions,
      CredentialSource,
      VaultInventory,
      AuditInbox,
    ],
  };
  const app = await NestFactory.createApplicationContext(
    { module: Parts, imports: [bound, SchedulerModule, LeaseModule] },
    { logger: false, abortOnError: false },
  );
  return { ...servicesOf(app), clock, source, stop: () => stop(app, dataSource, session, client) };
}

@Module({})
class Parts {}

@Global()
@Module({})
class BoundParts {}

function servicesOf(app: INestApplicationContext): Omit<LeaseBroker, 'clock' | 'source' | 'stop'> {
  const get = <T>(token: abstract new (...parameters: never[]) => T): T =>
    app.get<T>(token, { strict: false });
  return {
    issue: get(LeaseIssue),
    decisions: get(LeaseDecisions),
    renewal: get(LeaseRenewal),
    end: get(LeaseEnd),
    leases: get(Leases),
    expiry: get(LeaseExpiry),
    revoker: get(Revoker),
    claims: get(RevocationClaims),
    hold: get(RevocationHold),
    reconcile: get(Reconcile),
    reconciliations: get(Reconciliations),
    retention: get(Retention),
    metrics: get(LeaseMetrics),
    retry: get(LeaseRetry),
    forget: get(LeaseForget),
    lag: get(RevocationLag),
    catalogue: get(CredentialCatalogue),
    grants: get(Grants),
    runs: get(Runs),
    jobs: get(RegisteredJobs),
    audit: get(AuditInbox),
    transactions: get(Transactions),
    ids: get(Ids),
  };
}

async function stop(
  app: INestApplicationContext,
  dataSource: DataSource,
  session: VaultSession,
  client: VaultClient,
): Promise<void> {
  await app.close();
  await session.stop();
  await client.close();
  if (dataSource.isInitialized) await dataSource.destroy();
}
