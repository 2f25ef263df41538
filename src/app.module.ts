import {
  Global,
  Module,
  type DynamicModule,
  type OnApplicationShutdown,
  type Provider,
} from '@nestjs/common';
import { DataSource } from 'typeorm';
import { ApiModule } from './api/api.module.js';
import { Probes } from './api/health/probe.js';
import { Metrics } from './api/observability/metrics.js';
import { AuditInbox } from './audit/audit-inbox.js';
import { AuditModule } from './audit/audit.module.js';
import { CheckpointLoop } from './audit/log/checkpoint-loop.js';
import { createDataSource } from './database/data-source.js';
import { DataSourceTransactions, Transactions } from './database/transaction.js';
import { CallObserver } from './gateway/call/call-observer.js';
import { IdentityModule } from './identity/identity.module.js';
import { IssuerKeys } from './identity/issuer-keys.js';
import { IssuerRegistry } from './identity/issuer-registry.js';
import { Clock, SystemClock } from './kernel/clock.js';
import { Urgency } from './kernel/urgency.js';
import { Ids, RandomIds } from './kernel/ids.js';
import { Log } from './kernel/log.js';
import { RevocationHold } from './lease/hold.js';
import { LeaseModule } from './lease/lease.module.js';
import { brokerProbes } from './probes.js';
import { SchedulerModule } from './scheduler/scheduler.module.js';
import { Settings } from './settings/schema.js';
import { VaultDuties } from './vault/vault-duties.js';
import { VaultHealth } from './vault/vault-health.js';
import { VaultTimings } from './vault/vault-timings.js';
import { VaultModule } from './vault/vault.module.js';
import { programVersion } from './version.js';

/** What an application is put together from, besides what it makes itself. */
export interface AppParts {
  readonly settings: Settings;
  readonly log: Log;
  /** The machine's, unless a test brings its own. */
  readonly clock?: Clock;
  readonly ids?: Ids;
}

/** What every part of the broker may ask for. */
@Global()
@Module({})
export class FoundationModule implements OnApplicationShutdown {
  constructor(private readonly dataSource: DataSource) {}

  /** Connects to the database; a database that does not answer fails the start. */
  static register({ settings, log, clock = new SystemClock(), ids }: AppParts): DynamicModule {
    const providers: Provider[] = [
      { provide: Settings, useValue: settings },
      { provide: Log, useValue: log },
      { provide: Clock, useValue: clock },
      { provide: Urgency, useValue: new Urgency(clock) },
      { provide: Ids, useValue: ids ?? new RandomIds(clock) },
      Metrics,
      {
        provide: VaultTimings,
        inject: [Metrics],
        useFactory: (metrics: Metrics): VaultTimings => ({
          observe: (operation, seconds, outcome) =>
            metrics.vaultCalls.observe({ operation, outcome }, seconds),
        }),
      },
      {
        provide: CallObserver,
        inject: [Metrics],
        useFactory: (metrics: Metrics): CallObserver => ({
          ended: ({ tool, code, seconds }) => metrics.calls.observe({ tool, code }, seconds),
          added: (seconds) => metrics.callAdded.observe(seconds),
          grouped: (statement, calls) => metrics.callGroups.observe({ statement }, calls),
          open: (count) => metrics.openCalls.set(count),
        }),
      },
      { provide: DataSource, useFactory: () => createDataSource(settings).initialize() },
      {
        provide: Transactions,
        inject: [DataSource],
        useFactory: (dataSource: DataSource) => new DataSourceTransactions(dataSource),
      },
      AuditInbox,
    ];
    return {
      module: FoundationModule,
      providers,
      exports: [
        Settings,
        Log,
        Clock,
        Urgency,
        Ids,
        Metrics,
        VaultTimings,
        CallObserver,
        DataSource,
        Transactions,
        AuditInbox,
      ],
    };
  }

  /** Last of all: everything that stops before may still write. */
  async onApplicationShutdown(): Promise<void> {
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
  }
}

/** What readiness looks at. */
@Global()
@Module({
  imports: [IdentityModule, LeaseModule, AuditModule],
  providers: [
    {
      provide: Probes,
      inject: [
        DataSource,
        VaultHealth,
        VaultDuties,
        IssuerRegistry,
        IssuerKeys,
        RevocationHold,
        CheckpointLoop,
      ],
      useFactory: brokerProbes,
    },
  ],
  exports: [Probes],
})
export class ProbesModule {}

/** The broker: the one place where ports meet their adapters, and where roles decide what a process does. */
@Module({})
export class AppModule {
  static register(parts: AppParts): DynamicModule {
    const { roles } = parts.settings.values;
    return {
      module: AppModule,
      imports: [
        FoundationModule.register(parts),
        VaultModule,
        SchedulerModule,
        ProbesModule,
        ApiModule.register({
          api: roles.includes('api'),
          gateway: roles.includes('gateway'),
          version: programVersion(),
        }),
      ],
    };
  }
}
