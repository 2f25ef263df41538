import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LegalHolds } from '../../../../src/audit/retention/legal-holds.js';
import { maintenanceOf, type Maintenance } from '../../../../src/audit/retention/maintenance.js';
import { DataSourceTransactions } from '../../../../src/database/transaction.js';
import { SystemClock } from '../../../../src/kernel/clock.js';
import { CALLER, openLog, type LogParts } from '../log-parts.js';

/** A clock that is some days ahead. */
export class AheadClock extends SystemClock {
  days = 0;

  override now(): Date {
    return new Date(super.now().getTime() + this.days * 86_400_000);
  }
}

/** A log with retention, and a folder for its archives. */
export interface RetainedLog {
  readonly log: LogParts;
  readonly clock: AheadClock;
  readonly directory: string;
  readonly maintenance: Maintenance;
  readonly holds: LegalHolds;
  /** Offers events: of each ten one `lease.issued`, and the others `run.closed` of runs `run-0` to `run-9`. */
  offer(count: number): Promise<void>;
  /** Ends the open part at the next whole tile, filling it up. */
  cut(): Promise<number>;
  stop(): Promise<void>;
}

/** Opens one, `settings` over the usual ones; two classes: `leases` for 60 days and destroyed after 200, the others for 365 and kept. */
export async function openRetained(
  retention: Readonly<Record<string, unknown>> = {},
  settings: Readonly<Record<string, unknown>> = {},
): Promise<RetainedLog> {
  const directory = mkdtempSync(join(tmpdir(), 'leasegate-archive-'));
  const log = await openLog(1_000, {
    audit: {
      hmacKey: 'a key of the test',
      retention: {
        directory,
        ...retention,
        classes: {
          leases: { kinds: ['lease.*'], minDays: 60, maxDays: 200 },
          default: { minDays: 365 },
        },
      },
    },
    ...settings,
  });
  const clock = new AheadClock();
  const transactions = new DataSourceTransactions(log.dataSource);
  const offer = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n += 1) {
      const context = { caller: CALLER, run: { runId: `run-${n % 10}` }, stepId: 'build' };
      if (n % 10 === 0)
        await log.inbox.record('lease.issued', context, {
          expires_at: '2030-01-01T00:00:00.000Z',
          delivery: 'plain',
          revocable: true,
          account: `user-${n}`,
        });
      else await log.inbox.record('run.closed', context, { leases: n });
    }
    await log.sequencer().drain();
  };
  return {
    log,
    clock,
    directory,
    maintenance: maintenanceOf(log.settings, clock, log.ids, transactions),
    holds: new LegalHolds(transactions, log.inbox, clock, log.ids),
    offer,
    cut: async () => {
      const { size } = await log.query.head();
      const boundary = Math.ceil(size / 256) * 256;
      await log.dataSource.query('SELECT cut_audit_part($1)', [boundary]);
      await offer(boundary - size);
      return boundary;
    },
    stop: async () => {
      await log.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
