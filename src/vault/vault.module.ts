import { Global, Inject, Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { AuditHighWater } from '../audit/log/audit-high-water.js';
import { CheckpointSigner } from '../audit/log/checkpoint-signer.js';
import { AccessorHasher } from '../gateway/shadow/accessor-hasher.js';
import { Clock } from '../kernel/clock.js';
import { Ids } from '../kernel/ids.js';
import { Log } from '../kernel/log.js';
import { CredentialSource } from '../lease/credential-source.js';
import { VaultInventory } from '../lease/reconcile/vault-inventory.js';
import { Settings } from '../settings/schema.js';
import { auditDevices } from '../settings/vault-audit-schema.js';
import { AuditDeviceHasher } from './audit-device-hasher.js';
import { clientOptions } from './client-options.js';
import { KvHighWater } from './kv-high-water.js';
import { SystemTimers, Timers } from './timers.js';
import { TransitSigner } from './transit-signer.js';
import { VaultClient } from './vault-client.js';
import { VaultCredentialSource } from './vault-credential-source.js';
import { VaultDuties } from './vault-duties.js';
import { VaultHealth } from './vault-health.js';
import { VaultLeaseInventory } from './vault-lease-inventory.js';
import { VaultRights } from './vault-rights.js';
import { VaultSession } from './vault-session.js';
import { NoTimings, VaultTimings } from './vault-timings.js';
import { VaultTroubles } from './vault-troubles.js';

/**
 * Binds the port of leases to Vault. Global, since `lease/` asks for {@link CredentialSource} and may not import this
 * folder. Metrics bind {@link VaultTimings} by providing it globally; without that nothing is measured.
 */
@Global()
@Module({
  providers: [
    { provide: Timers, useClass: SystemTimers },
    {
      provide: VaultClient,
      inject: [Settings, Clock, { token: VaultTimings, optional: true }],
      useFactory: (settings: Settings, clock: Clock, timings?: VaultTimings) => {
        return new VaultClient(clientOptions(settings.values.vault), clock, timings ?? new NoTimings());
      },
    },
    {
      provide: VaultSession,
      inject: [VaultClient, Settings, Clock, Timers, Log, Ids],
      useFactory: (
        client: VaultClient,
        settings: Settings,
        clock: Clock,
        timers: Timers,
        log: Log,
        ids: Ids,
      ) => new VaultSession(client, settings.values.vault.login, clock, timers, log, ids),
    },
    {
      provide: CredentialSource,
      inject: [VaultClient, VaultSession, Clock, Settings, VaultTroubles],
      useFactory: (
        client: VaultClient,
        session: VaultSession,
        clock: Clock,
        settings: Settings,
        troubles: VaultTroubles,
      ) => new VaultCredentialSource(client, session, clock, settings.values.vault, troubles),
    },
    { provide: VaultTroubles, inject: [Clock], useFactory: (clock: Clock) => new VaultTroubles(clock) },
    {
      provide: VaultDuties,
      inject: [VaultClient, VaultSession, Clock, Settings, VaultTroubles],
      useFactory: (
        client: VaultClient,
        session: VaultSession,
        clock: Clock,
        settings: Settings,
        troubles: VaultTroubles,
      ) => new VaultDuties(client, session, clock, settings.values.vault, troubles),
    },
    {
      provide: VaultInventory,
      inject: [VaultClient, VaultSession, Settings],
      useFactory: (client: VaultClient, session: VaultSession, settings: Settings) =>
        new VaultLeaseInventory(client, session, settings.values.vault),
    },
    {
      provide: VaultHealth,
      inject: [VaultClient, VaultSession, Clock],
      useFactory: (client: VaultClient, session: VaultSession, clock: Clock) =>
        new VaultHealth(client, session, clock),
    },
    {
      provide: CheckpointSigner,
      inject: [VaultClient, VaultSession, Settings],
      useFactory: (client: VaultClient, session: VaultSession, { values }: Settings) => {
        const { signing } = values.audit.log;
        return new TransitSigner(client, session, signing && { mount: signing.mount, name: signing.key });
      },
    },
    {
      provide: AuditHighWater,
      inject: [VaultClient, VaultSession, Settings],
      useFactory: (client: VaultClient, session: VaultSession, { values }: Settings) =>
        new KvHighWater(client, session, values.audit.log.signing?.highWater),
    },
    {
      provide: VaultRights,
      inject: [VaultClient, VaultSession, Settings],
      useFactory: (client: VaultClient, session: VaultSession, settings: Settings) =>
        new VaultRights(
          client,
          session,
          settings.values.vault,
          settings.values.audit.log.signing,
          auditDevices(settings.values.vaultAudit),
          settings.values.reconciliation.listTokens,
        ),
    },
    {
      provide: AccessorHasher,
      inject: [VaultClient, VaultSession],
      useFactory: (client: VaultClient, session: VaultSession) => new AuditDeviceHasher(client, session),
    },
  ],
  exports: [
    CredentialSource,
    VaultInventory,
    VaultDuties,
    VaultHealth,
    VaultRights,
    CheckpointSigner,
    AuditHighWater,
    AccessorHasher,
  ],
})
export class VaultModule implements OnModuleInit, OnApplicationShutdown {
  constructor(
    @Inject(VaultSession) private readonly session: VaultSession,
    @Inject(VaultClient) private readonly client: VaultClient,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.session.start();
  }

  /** Last of all: draining requests and jobs still revoke. */
  async onApplicationShutdown(): Promise<void> {
    await this.session.stop();
    await this.client.close();
  }
}
