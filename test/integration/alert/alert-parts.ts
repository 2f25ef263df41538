import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { DataSource } from 'typeorm';
import { AlertRetention } from '../../../src/alert/alert-retention.js';
import { AlertRules } from '../../../src/alert/alert-rules.js';
import { Alerts } from '../../../src/alert/alerts.js';
import { Channels } from '../../../src/alert/channel/channels.js';
import { Delivery } from '../../../src/alert/delivery.js';
import { FollowLog } from '../../../src/alert/follow-log.js';
import { Outbox } from '../../../src/alert/outbox.js';
import { SilenceList } from '../../../src/alert/silence-list.js';
import { Tell } from '../../../src/alert/tell.js';
import { AuditInbox } from '../../../src/audit/audit-inbox.js';
import { AuditQuery } from '../../../src/audit/audit-query.js';
import { LogTree } from '../../../src/audit/log/log-tree.js';
import { Sequencer } from '../../../src/audit/sequencer.js';
import { createDataSource } from '../../../src/database/data-source.js';
import { DataSourceTransactions } from '../../../src/database/transaction.js';
import { ManualClock } from '../../../src/kernel/clock.js';
import { RandomIds } from '../../../src/kernel/ids.js';
import { SilentLog } from '../../../src/kernel/log.js';
import { freshDatabase } from '../../support/parts.js';
import { CALLER } from '../audit/log-parts.js';
import { leastSettings } from '../../support/least-settings.js';

/** One process that looks after alerts. */
export interface AlertReplica {
  readonly follow: FollowLog;
  readonly tell: Tell;
  readonly outbox: Outbox;
  readonly delivery: Delivery;
  readonly alerts: Alerts;
  readonly silences: SilenceList;
  readonly retention: AlertRetention;
}

/** Alerts on a database and a clock of their own. */
export interface AlertParts {
  readonly clock: ManualClock;
  readonly dataSource: DataSource;
  replica(): AlertReplica;
  /** Records refused calls of these workers, and sequences them. */
  refuse(workers: readonly string[], route?: string): Promise<void>;
  /** Kinds of all events so far, in order. */
  kinds(): Promise<string[]>;
  stop(): Promise<void>;
}

/** A rule over refused calls, told apart by workload. */
export const REFUSED_CALLS = {
  name: 'refused-calls',
  summary: 'A call was refused.',
  severity: 'warning',
  when: { kinds: ['call.refused'] },
  group_by: ['workload.subject'],
  group_wait_seconds: 10,
  repeat_seconds: 600,
  resolve_seconds: 3_600,
};

/** Opens alerts with rules of the test and the channels given. */
export async function openAlerts(
  alerts: Readonly<Record<string, unknown>>,
  rules: readonly { readonly name: string }[] = [REFUSED_CALLS],
): Promise<AlertParts> {
  const folder = await mkdtemp(join(tmpdir(), 'leasegate-rules-'));
  for (const rule of rules) await writeFile(join(folder, `${rule.name}.yaml`), stringify(rule));
  const database = await freshDatabase();
  const settings = leastSettings({ url: database.url }, { alerts: { rulesFolder: folder, ...alerts } });
  const clock = new ManualClock(new Date('2026-11-21T10:00:00Z'));
  const ids = new RandomIds(clock);
  const dataSource = await createDataSource(settings).initialize();
  const transactions = new DataSourceTransactions(dataSource);
  const inbox = new AuditInbox(settings, clock, ids, transactions);
  const query = new AuditQuery(transactions, inbox, clock);
  const sequencer = new Sequencer(settings, clock, transactions, new LogTree(transactions));
  const log = new SilentLog();
  const made: { channels: Channels; delivery: Delivery }[] = [];
  return {
    clock,
    dataSource,
    replica() {
      const known = new AlertRules(settings);
      const channels = new Channels(settings, clock, log);
      const outbox = new Outbox(settings, transactions, inbox, clock, ids);
      const delivery = new Delivery(settings, channels, outbox, log);
      const silences = new SilenceList(transactions, inbox, clock, ids);
      made.push({ channels, delivery });
      return {
        outbox,
        delivery,
        silences,
        follow: new FollowLog(known, query, inbox, transactions, clock, ids, log),
        tell: new Tell(settings, known, silences, outbox, inbox, transactions, clock, ids),
        alerts: new Alerts(settings, known, channels, outbox, delivery, inbox, transactions, clock, ids),
        retention: new AlertRetention(settings, transactions, clock),
      };
    },
    async refuse(workers, route) {
      for (const subject of workers)
        await inbox.record(
          'call.refused',
          {
            caller: CALLER,
            outcome: 'refused',
            code: 'run_identity_missing',
            workload: { issuer: 'https://id.example', subject },
          },
          { check: 'run-token', route },
        );
      await sequencer.drain();
    },
    async kinds() {
      await sequencer.drain();
      const rows = await dataSource.query<{ kind: string }[]>('SELECT kind FROM audit_entry ORDER BY idx');
      return rows.map(({ kind }) => kind);
    },
    async stop() {
      for (const { channels, delivery } of made) {
        await delivery.onModuleDestroy();
        await channels.onApplicationShutdown();
      }
      await dataSource.destroy();
      await database.drop();
      await rm(folder, { recursive: true });
    },
  };
}

/** Does everything that is due, once. */
export async function everything(replica: AlertReplica): Promise<void> {
  while ((await replica.follow.step()) > 0);
  await replica.tell.due(1_000);
  await replica.tell.resolve(1_000);
  await replica.delivery.round(10_000);
}
