import { AuditInbox } from '../../../src/audit/audit-inbox.js';
import { Transactions, type Tx } from '../../../src/database/transaction.js';
import type { Caller } from '../../../src/kernel/caller.js';
import { ManualClock } from '../../../src/kernel/clock.js';
import { RandomIds } from '../../../src/kernel/ids.js';
import { leastSettings } from '../../support/least-settings.js';

/** A caller for events of tests. */
export const CALLER: Caller = {
  actor: { type: 'admin', issuer: 'https://id.example', subject: 'alice', roles: ['auditor'] },
  requestId: 'req-1',
};

class NoDatabase extends Transactions {
  run<T>(): Promise<T> {
    throw new Error('no database here');
  }
  get reads(): Tx {
    throw new Error('no database here');
  }
}

/** An inbox that can make leaves and HMACs, and store nothing. */
export function leafMaker(): AuditInbox {
  const clock = new ManualClock(new Date('2026-11-03T10:00:00.000Z'));
  const settings = leastSettings({ url: 'postgres://unused' });
  return new AuditInbox(settings, clock, new RandomIds(clock), new NoDatabase());
}

/** A transaction that keeps what it is given. */
export function recordingTx(): { tx: Tx; statements: unknown[][] } {
  const statements: unknown[][] = [];
  const tx = { query: (_sql: string, parameters: unknown[]) => Promise.resolve(statements.push(parameters)) };
  return { tx: tx as unknown as Tx, statements };
}
