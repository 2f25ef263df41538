import type { DataSource } from 'typeorm';
import { AuditInbox } from '../../../src/audit/audit-inbox.js';
import { LogTree } from '../../../src/audit/log/log-tree.js';
import { Sequencer } from '../../../src/audit/sequencer.js';
import { createDataSource } from '../../../src/database/data-source.js';
import { DataSourceTransactions } from '../../../src/database/transaction.js';
import { ManualClock } from '../../../src/kernel/clock.js';
import { RandomIds } from '../../../src/kernel/ids.js';
import { DeadLetters } from '../../../src/sink/dead-letters.js';
import { LetterRows } from '../../../src/sink/letter-rows.js';
import { SinkDatabase } from '../../../src/sink/sink-database.js';
import { SinkLog } from '../../../src/sink/sink-log.js';
import { SinkRows } from '../../../src/sink/sink-rows.js';
import { SinkSender } from '../../../src/sink/sink-sender.js';
import { SinkStates, type SinkState } from '../../../src/sink/sink-states.js';
import { SinkTargets } from '../../../src/sink/sink-targets.js';
import { SinkWatch } from '../../../src/sink/sink-watch.js';
import { freshDatabase } from '../../support/parts.js';
import { CALLER } from '../audit/log-parts.js';
import { leastSettings } from '../../support/least-settings.js';

/** One process that looks after sinks. */
export interface SinkReplica {
  readonly letters: DeadLetters;
  readonly watch: SinkWatch;
  /** Makes the rows of sinks that are new. */
  know(): Promise<void>;
  /** Sends what is due to one sink, or to all; answers how many events were taken. */
  follow(name?: string, signal?: AbortSignal): Promise<number>;
  states(): Promise<SinkState[]>;
}

/** Sinks on a database and a clock of their own. */
export interface SinkParts {
  readonly clock: ManualClock;
  readonly dataSource: DataSource;
  replica(): SinkReplica;
  /** Records refused calls on these routes, and sequences them. */
  refuse(...routes: readonly string[]): Promise<void>;
  /** Sequences what waits; answers the kinds and ids of all events so far, in order. */
  entries(): Promise<{ kind: string; event_id: string }[]>;
  stop(): Promise<void>;
}

/** Opens a log with these sinks, and a first replica that knows them. */
export async function openSinks(sinks: Readonly<Record<string, unknown>>): Promise<SinkParts> {
  const database = await freshDatabase();
  const settings = leastSettings({ url: database.url }, { sinks });
  const clock = new ManualClock(new Date('2026-11-21T10:00:00Z'));
  const ids = new RandomIds(clock);
  const dataSource = await createDataSource(settings).initialize();
  const transactions = new DataSourceTransactions(dataSource);
  const inbox = new AuditInbox(settings, clock, ids, transactions);
  const sequencer = new Sequencer(settings, clock, transactions, new LogTree(transactions));
  const made: SinkTargets[] = [];
  return {
    clock,
    dataSource,
    replica() {
      const own = new SinkDatabase(transactions);
      const log = new SinkLog(own);
      const targets = new SinkTargets(settings, clock, log);
      made.push(targets);
      const rows = new SinkRows(own, inbox, clock, ids);
      const letters = new LetterRows(own, clock);
      const states = new SinkStates(own, targets, clock);
      const sender = new SinkSender(settings, rows, letters, log, ids);
      return {
        letters: new DeadLetters(own, inbox, clock),
        watch: new SinkWatch(settings, states, letters, own, inbox, clock, ids),
        know: async () => {
          for (const { sink } of targets.all) await rows.know(sink);
        },
        follow: async (name, signal = new AbortController().signal) => {
          const wanted = targets.all.filter(({ sink }) => name === undefined || sink.name === name);
          const taken = await Promise.all(wanted.map((target) => sender.follow(target, signal)));
          return taken.reduce((sum, each) => sum + each, 0);
        },
        states: () => states.all(),
      };
    },
    async refuse(...routes) {
      for (const route of routes)
        await inbox.record(
          'call.refused',
          { caller: CALLER, outcome: 'refused', code: 'run_identity_missing' },
          { check: 'run-token', route },
        );
      await sequencer.drain();
    },
    async entries() {
      await sequencer.drain();
      return dataSource.query('SELECT kind, event_id FROM audit_entry ORDER BY idx');
    },
    async stop() {
      await Promise.all(made.map((targets) => targets.onApplicationShutdown()));
      await dataSource.destroy();
      await database.drop();
    },
  };
}
