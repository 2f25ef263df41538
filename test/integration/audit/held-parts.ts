import { AuditReads } from '../../../src/audit/audit-reads.js';
import { AuditTally } from '../../../src/audit/audit-tally.js';
import type { EventContext } from '../../../src/audit/event.js';
import { HoldFollower } from '../../../src/audit/held/hold-follower.js';
import { WhoHeld } from '../../../src/audit/held/who-held.js';
import { systemCaller } from '../../../src/kernel/caller.js';
import { SystemClock } from '../../../src/kernel/clock.js';
import { AuditInbox } from '../../../src/audit/audit-inbox.js';
import { CALLER, openLog, type LogParts } from './log-parts.js';

/** A clock that shows what a test says. */
class ToldClock extends SystemClock {
  at = new Date('2026-11-01T00:00:00.000Z');

  override now(): Date {
    return this.at;
  }
}

/** Somebody who held something in a test. */
export interface Told {
  readonly run: string;
  readonly runId: string;
  readonly lease: string;
  readonly grant: string;
  readonly grantName?: string;
  readonly credential: string;
  readonly account?: string;
  readonly accessor?: string;
  readonly from: Date;
  /** Not ended unless given. */
  readonly to?: Date;
  readonly livesOn?: boolean;
  readonly forgotten?: boolean;
  readonly delivery?: string;
}

/** A log whose events have the times that a test says, and everything that reads it. */
export interface HeldParts extends LogParts {
  readonly times: ToldClock;
  readonly told: AuditInbox;
  readonly follower: HoldFollower;
  readonly whoHeld: WhoHeld;
  readonly tally: AuditTally;
  readonly reads: AuditReads;
  /** Puts what the broker records of a lease into the inbox, each event at its time. */
  tell(told: Told): Promise<void>;
  /** Sequences all of it. */
  sequence(): Promise<void>;
}

/** Opens such a log. */
export async function openHeld(): Promise<HeldParts> {
  const parts = await openLog(5_000);
  const times = new ToldClock();
  const told = new AuditInbox(parts.settings, times, parts.ids, parts.transactions);
  const follower = new HoldFollower(parts.query, parts.transactions);
  const held = {
    ...parts,
    times,
    told,
    follower,
    whoHeld: new WhoHeld(parts.transactions, parts.inbox, follower),
    tally: new AuditTally(parts.transactions, parts.inbox, parts.clock),
    reads: new AuditReads(parts.inbox),
    sequence: async () => void (await parts.sequencer().drain()),
  };
  return { ...held, tell: (story) => tell(held.told, held.times, story) };
}

/** The envelope of the events of a lease. */
export function aboutLease(told: Told): EventContext {
  return {
    caller: {
      actor: { type: 'workload', issuer: 'https://ci.example', subject: 'repo:a' },
      requestId: `req-${told.lease}`,
    },
    workload: { issuer: 'https://ci.example', subject: 'repo:a' },
    run: { ref: told.run, runId: told.runId },
    stepId: 'deploy',
    grant: { id: told.grant, name: told.grantName ?? 'deployers', version: 2 },
    leaseId: told.lease,
    credential: told.credential,
  };
}

async function tell(inbox: AuditInbox, clock: ToldClock, told: Told): Promise<void> {
  const context = aboutLease(told);
  clock.at = told.from;
  await inbox.record('lease.requested', context, {
    kind: 'database',
    mount: 'database',
    delivery: told.delivery ?? 'inline',
    ttl_seconds: 900,
    revocable: true,
    accessor: told.accessor,
  });
  await inbox.record('lease.issued', context, {
    expires_at: new Date(told.from.getTime() + 900_000).toISOString(),
    delivery: told.delivery ?? 'inline',
    revocable: true,
    account: told.account,
  });
  if (told.to === undefined) return;
  clock.at = told.to;
  if (told.forgotten === true) {
    await inbox.record(
      'lease.forgotten',
      { ...context, caller: CALLER },
      {
        reason: 'the target is gone',
        cause: 'expiry',
        mount: 'database',
        revocable: true,
        attempts: 9,
        stuck_since: told.to.toISOString(),
        max_expires_at: told.to.toISOString(),
      },
    );
    return;
  }
  await inbox.record(
    'lease.ended',
    { ...context, caller: systemCaller('revoker', 'job-1') },
    {
      state: 'revoked',
      cause: 'run_closed',
      proof: 'lease_gone+accessor_revoked',
      revocable: true,
      attempts: 1,
      secret_lives_on: told.livesOn === true,
    },
  );
}
