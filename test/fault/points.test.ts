import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CRASH_POINTS, type CrashPoint } from '../../src/kernel/crash-point.js';
import { agrees, type FaultWorld } from '../../src/dev/fault/fault-world.js';
import type { CrashAction } from '../../src/dev/fault/replica.js';
import * as acts from './acts.js';
import { atPoint, play, type Cell } from './cell.js';
import { startFaultWorld } from './start-fault-world.js';

/** What leads a broker to each point. */
const ACT: Readonly<Partial<Record<CrashPoint, Cell['act']>>> = {
  'run.exchange.before-commit': acts.exchange,
  'run.exchange.committed': acts.exchange,
  'lease.issue.decided': acts.lease,
  'lease.issue.token-created': acts.lease,
  'lease.issue.requested': acts.lease,
  'lease.issue.credential-read': acts.lease,
  'lease.issue.issued': acts.lease,
  'lease.issue.failed': acts.leaseThatFails,
  'lease.issue.too-late': acts.leaseThatIsTooLate,
  'lease.supersede.marked': acts.supersede,
  'lease.supersede.proved': acts.supersede,
  'lease.renew.decided': acts.renew,
  'lease.renew.renewed': acts.renew,
  'lease.renew.written': acts.renew,
  'lease.expire.before-commit': acts.expire,
  'lease.expire.marked': acts.expire,
  'lease.revoke.marked': acts.release,
  'lease.revoke.claimed': acts.release,
  'lease.revoke.vault-revoked': acts.release,
  'lease.revoke.accessor-revoked': acts.release,
  'lease.revoke.proved': acts.release,
  'lease.revoke.ended': acts.release,
  'run.close.before-commit': acts.close,
  'run.close.committed': acts.close,
  'grant.end.before-commit': acts.revokeGrant,
  'grant.end.committed': acts.revokeGrant,
  'reconcile.issuing.before-commit': acts.orphan,
  'reconcile.issuing.orphaned': acts.orphan,
  'reconcile.lost.found': acts.lose,
  'reconcile.lost.marked': acts.lose,
  'reconcile.unknown.found': acts.findUnknown,
  'reconcile.unknown.revoked': acts.findUnknown,
  'job.claimed': acts.comesRound,
  'job.ran': acts.comesRound,
  'audit.sequence.taken': acts.comesRound,
  'audit.sequence.before-commit': acts.comesRound,
  'audit.sequence.committed': acts.comesRound,
};

const ACTIONS: readonly CrashAction[] = ['kill', 'freeze'];
const CELLS = Object.entries(ACT).flatMap(([point, act]) =>
  ACTIONS.map((action) => atPoint(point as CrashPoint, action, act)),
);

let world: FaultWorld;

beforeAll(async () => {
  world = await startFaultWorld(4, 1);
}, 240_000);
afterAll(() => world.stop());

describe('a broker that dies or stands still', () => {
  it('is looked at wherever leases may be lost', () => {
    // Calls, checkpoints, large revocations, exports, sinks and archives have files of their own.
    const elsewhere = /^(call|audit\.checkpoint|revocation|export|sink|archive)\./;
    expect(CRASH_POINTS.filter((point) => !(point in ACT) && !elsewhere.test(point))).toEqual([]);
  });

  it.concurrent.each(CELLS)('$name', { timeout: 300_000 }, (cell) => play(world, cell));
});

describe('when all of that is over', () => {
  it('the target, Vault, the rows and the log agree', async () => {
    const comparison = await world.rest(90_000);
    expect(comparison).toSatisfy(agrees);
  }, 240_000);
});
