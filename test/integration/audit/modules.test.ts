import { Global, Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AuditInbox } from '../../../src/audit/audit-inbox.js';
import { AuditModule } from '../../../src/audit/audit.module.js';
import { AuditQuery } from '../../../src/audit/audit-query.js';
import { Transactions } from '../../../src/database/transaction.js';
import { ExportModule } from '../../../src/export/export.module.js';
import { AuditExport } from '../../../src/export/audit-export.js';
import { Clock } from '../../../src/kernel/clock.js';
import { Ids } from '../../../src/kernel/ids.js';
import { Log, SilentLog } from '../../../src/kernel/log.js';
import { Urgency } from '../../../src/kernel/urgency.js';
import { JobRegistry } from '../../../src/scheduler/job.js';
import { SchedulerModule } from '../../../src/scheduler/scheduler.module.js';
import { Settings } from '../../../src/settings/schema.js';
import { until } from '../../support/until.js';
import { CALLER, checkLog, offerMany, openLog, type LogParts } from './log-parts.js';

let parts: LogParts;
beforeEach(async () => {
  parts = await openLog();
});
afterEach(() => parts.stop());

/** The modules as the application has them, in a process with these roles. */
async function start(roles: readonly string[]): Promise<INestApplicationContext> {
  const values = { ...parts.settings.values, roles } as Settings['values'];
  values.audit = { ...values.audit, sequenceIntervalMs: 20 };
  values.scheduler = { ...values.scheduler, tickMs: 50 };
  const providers = [
    { provide: Settings, useValue: { values } },
    { provide: Clock, useValue: parts.clock },
    { provide: Urgency, useValue: new Urgency(parts.clock) },
    { provide: Ids, useValue: parts.ids },
    { provide: Transactions, useValue: parts.transactions },
    { provide: AuditInbox, useValue: parts.inbox },
    { provide: Log, useClass: SilentLog },
  ];
  class Kernel {}
  Global()(Kernel);
  Module({ providers, exports: providers })(Kernel);
  class App {}
  Module({ imports: [Kernel, SchedulerModule, AuditModule, ExportModule] })(App);
  return NestFactory.createApplicationContext(App, { logger: false, abortOnError: false });
}

describe('the modules', () => {
  it('sequence and run nothing in a process without those roles', async () => {
    const app = await start(['api']);
    let runs = 0;
    app.get(JobRegistry).add({
      name: 'test.job',
      everyMs: 1,
      longestMs: 60_000,
      sharing: 'every-replica',
      run: () => Promise.resolve({ worked: (runs += 1) }),
    });
    await offerMany(parts, 5);
    const other = await start(['sequencer']);
    await until(async () => (await parts.query.head()).size === 5);
    expect(app.get(AuditQuery)).toBeDefined();
    await other.close();
    await app.close();
    expect(runs).toBe(0);
  });

  it('sequence by themselves, run jobs, and take along at the end what jobs recorded while stopping', async () => {
    const app = await start(['scheduler', 'sequencer']);
    let running = false;
    app.get(JobRegistry).add({
      name: 'test.job',
      everyMs: 1,
      longestMs: 60_000,
      sharing: 'exclusive',
      run: (signal) =>
        new Promise((resolve, reject) => {
          running = true;
          signal.addEventListener('abort', () => {
            parts.inbox
              .record('run.expired', { caller: CALLER }, { leases: 0 })
              .then(() => resolve({ worked: 1 }), reject);
          });
        }),
    });
    await offerMany(parts, 5);
    await until(async () => (await parts.query.head()).size === 5);
    await until(() => running);
    await app.close();
    expect((await checkLog(parts)).size).toBe(6);
    expect(await parts.query.backlog()).toMatchObject({ count: 0 });
  });

  it('export through their service', async () => {
    const app = await start(['api']);
    const stream = await app.get(AuditExport).stream(CALLER, {}, 'jsonl');
    const text = (await stream.toArray()).join('');
    expect(text.split('\n')).toHaveLength(3);
    await app.close();
  });
});
