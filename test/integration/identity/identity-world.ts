import { Global, Module } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import type { DataSource } from 'typeorm';
import { Clock, ManualClock } from '../../../src/kernel/clock.js';
import { Ids, RandomIds } from '../../../src/kernel/ids.js';
import { Log, SilentLog } from '../../../src/kernel/log.js';
import { AuditInbox } from '../../../src/audit/audit-inbox.js';
import { createDataSource } from '../../../src/database/data-source.js';
import { DataSourceTransactions, Transactions } from '../../../src/database/transaction.js';
import { IdentityModule } from '../../../src/identity/identity.module.js';
import { Settings } from '../../../src/settings/schema.js';

/** One replica's identity domain on a real database, wired by its own module. */
export interface Replica {
  readonly module: TestingModule;
  readonly clock: ManualClock;
  readonly transactions: Transactions;
  readonly dataSource: DataSource;
  /** The events that were recorded, oldest first. */
  events(): Promise<{ kind: string; data: Record<string, unknown> }[]>;
  stop(): Promise<void>;
}

export async function startReplica(settings: Settings, start: Date): Promise<Replica> {
  const clock = new ManualClock(start);
  const dataSource = await createDataSource(settings).initialize();
  const transactions = new DataSourceTransactions(dataSource);
  const globals = [
    { provide: Clock, useValue: clock },
    { provide: Ids, useValue: new RandomIds(clock) },
    { provide: Log, useValue: new SilentLog() },
    { provide: Settings, useValue: settings },
    { provide: Transactions, useValue: transactions },
    AuditInbox,
  ];

  @Global()
  @Module({ providers: globals, exports: globals })
  class GlobalsModule {}

  const module = await Test.createTestingModule({ imports: [GlobalsModule, IdentityModule] }).compile();
  return {
    module,
    clock,
    transactions,
    dataSource,
    async events() {
      const rows: { leaf: Buffer }[] = await dataSource.query('SELECT leaf FROM audit_inbox ORDER BY seq');
      return rows.map(
        ({ leaf }) => JSON.parse(leaf.toString('utf8')) as { kind: string; data: Record<string, unknown> },
      );
    },
    async stop() {
      await module.close();
      await dataSource.destroy();
    },
  };
}
