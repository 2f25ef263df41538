import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BrokerError } from '../../../src/kernel/broker-error.js';
import type { RunIdentity } from '../../../src/identity/run-token.js';
import type { Lease } from '../../../src/lease/lease.js';
import { until } from '../../support/until.js';
import type { LeaseBroker } from './lease-broker.js';
import { startLeaseWorld, workerOf, type LeaseWorld } from './lease-world.js';

let world: LeaseWorld;
const replicas: LeaseBroker[] = [];

beforeAll(async () => {
  world = await startLeaseWorld();
});
afterEach(async () => {
  for (const replica of replicas.splice(0)) await replica.stop();
});
afterAll(() => world.stop());

async function replica(settings = {}): Promise<LeaseBroker> {
  const started = await world.another(settings);
  replicas.push(started);
  return started;
}

function leases(run: RunIdentity, credential: string, count: number): Promise<Lease[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const { lease } = await world.broker.issue.issue(run, { credential }, workerOf(run));
      return lease;
    }),
  );
}

/** Marks all leases of a run and revokes none: no broker is told. */
async function markAll(run: RunIdentity): Promise<void> {
  await world.query(
    `UPDATE leases SET state = 'revoking', revoke_cause = 'admin', revoke_requested_at = now(), next_attempt_at = now() - interval '1 second'
     WHERE run_ref = $1`,
    [run.runRef],
  );
}

/** Takes the target away from Vault until the answer is called. */
async function breakTarget(): Promise<() => Promise<void>> {
  const { username } = world.target.vaultAccount;
  await world.atTarget(`ALTER ROLE ${username} NOLOGIN`);
  await world.atTarget('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [
    username,
  ]);
  return async () => void (await world.atTarget(`ALTER ROLE ${username} LOGIN`));
}

const ended = async (ids: readonly string[]): Promise<number> =>
  (await world.events()).filter(({ kind, lease_id: id }) => kind === 'lease.ended' && ids.includes(id ?? ''))
    .length;

describe('a revocation that fails', () => {
  it('waits on the row, so that another process waits as long, and is done when the target is back', async () => {
    const run = await world.openRun();
    const [lease] = await leases(run, world.mounts.names.database, 1);
    const id = lease?.id ?? '';
    const first = await replica({ backoffBaseMs: 60_000, backoffMaxMs: 120_000, alertAfterAttempts: 2 });
    const repair = await breakTarget();
    await markAll(run);
    expect(await first.revoker.revokeDue(10)).toBe(0);
    const failed = await first.leases.get(id);
    expect(failed).toMatchObject({ state: 'revoking', attempts: 1 });
    expect(failed.lastError).toMatch(/^vault_(refused|unavailable)/);
    expect((failed.nextAttemptAt?.getTime() ?? 0) - first.clock.now().getTime()).toBeGreaterThan(20_000);
    await first.stop();

    const second = await replica({ backoffBaseMs: 60_000, backoffMaxMs: 120_000, alertAfterAttempts: 2 });
    await second.revoker.revokeDue(10);
    expect(second.source.counts.get('revokeLease')).toBeUndefined();
    second.clock.shiftMs += 60_000;
    expect(await second.revoker.revokeDue(10)).toBe(0);
    expect(await second.leases.get(id)).toMatchObject({ state: 'revoking', attempts: 2 });
    const told = (await world.events(id)).filter(({ kind }) => kind === 'lease.revocation_failed');
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ outcome: 'failure', data: { attempts: 2 } });

    await repair();
    second.clock.shiftMs += 120_000;
    expect(await second.revoker.revokeDue(10)).toBe(1);
    expect(await second.leases.get(id)).toMatchObject({
      state: 'revoked',
      attempts: 3,
      lastError: null,
      proof: 'lease_gone+accessor_revoked',
    });
  });

  it('is tried at once when somebody names the lease', async () => {
    const run = await world.openRun();
    const [lease] = await leases(run, world.mounts.names.database, 1);
    const id = lease?.id ?? '';
    const patient = await replica({ backoffBaseMs: 60_000, backoffMaxMs: 120_000 });
    const repair = await breakTarget();
    expect(await patient.end.release(run, id, workerOf(run))).toMatchObject({
      state: 'revoking',
      attempts: 1,
    });
    await repair();
    expect(await patient.end.release(run, id, workerOf(run))).toMatchObject({
      state: 'revoked',
      attempts: 2,
    });
  });

  it('does not hold up other mounts, nor is the dead one asked for ever', async () => {
    const run = await world.openRun();
    const dead = await leases(run, world.mounts.names.database, 12);
    const [certificate] = await leases(run, world.mounts.names.pki, 1);
    const repair = await breakTarget();
    const revoker = await replica({ revokeConcurrencyPerMount: 2, backoffBaseMs: 100 });
    await markAll(run);
    expect(await revoker.revoker.revokeDue(100)).toBe(1);
    expect((await revoker.leases.get(certificate?.id ?? '')).state).toBe('revoked');
    // Five failures in a row open the breaker; those under way at that moment may still fail.
    const asked = revoker.source.counts.get('revokeLease') ?? 0;
    expect(asked).toBeLessThan(1 + dead.length);
    const claimed = await world.query('SELECT 1 FROM leases WHERE claimed_by IS NOT NULL AND run_ref = $1', [
      run.runRef,
    ]);
    expect(claimed).toEqual([]);
    await repair();
    revoker.clock.shiftMs += 6_000;
    await until(async () => {
      await revoker.revoker.revokeDue(100);
      return (await ended(dead.map(({ id }) => id))) === dead.length;
    });
  });
});

describe('a mount that we have no right to', () => {
  it('is asked a few times, and again once the right is there', async () => {
    const run = await world.openRun();
    const denied = await leases(run, world.mounts.names.database, 12);
    const [certificate] = await leases(run, world.mounts.names.pki, 1);
    const revoker = await replica({ revokeConcurrencyPerMount: 2, backoffBaseMs: 100 });
    revoker.source.around.revokeLease = {
      before: (id) => {
        if (String(id).startsWith(world.mounts.database)) throw new BrokerError('vault_denied');
      },
    };
    await markAll(run);
    expect(await revoker.revoker.revokeDue(100)).toBe(1);
    expect((await revoker.leases.get(certificate?.id ?? '')).state).toBe('revoked');
    expect(revoker.source.counts.get('revokeLease')).toBeLessThan(1 + denied.length);
    revoker.source.around.revokeLease = {};
    revoker.clock.shiftMs += 6_000;
    await until(async () => {
      await revoker.revoker.revokeDue(100);
      return (await ended(denied.map(({ id }) => id))) === denied.length;
    });
  });
});

describe('a mount that does not answer', () => {
  it('keeps the job no longer than it waits, and the others are done meanwhile', async () => {
    const run = await world.openRun();
    const stuck = await leases(run, world.mounts.names.database, 2);
    const [certificate] = await leases(run, world.mounts.names.pki, 1);
    const revoker = await replica();
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    revoker.source.around.revokeLease = {
      before: (id) => (String(id).startsWith(world.mounts.database) ? gate : undefined),
    };
    await markAll(run);
    await revoker.revoker.revokeDue(100, 300);
    // It is back though the one mount is not done; the other may still be at it.
    await until(async () => (await revoker.leases.get(certificate?.id ?? '')).state === 'revoked');
    expect(await ended(stuck.map(({ id }) => id))).toBe(0);
    await revoker.revoker.revokeDue(100, 50);
    expect(revoker.source.counts.get('revokeLease')).toBe(3);
    release();
    await revoker.revoker.idle();
    expect(await ended(stuck.map(({ id }) => id))).toBe(2);
  });
});

describe('two replicas', () => {
  it('never revoke one lease twice', async () => {
    const run = await world.openRun();
    const all = [
      ...(await leases(run, world.mounts.names.database, 16)),
      ...(await leases(run, world.mounts.names.kv, 16)),
    ];
    const [one, two] = [await replica(), await replica()];
    await markAll(run);
    const counts = await Promise.all([
      one.revoker.revokeDue(1_000),
      two.revoker.revokeDue(1_000),
      one.revoker.revokeNow({ runRef: run.runRef }, 60_000).then(() => 0),
      two.revoker.revokeNow({ runRef: run.runRef }, 60_000).then(() => 0),
    ]);
    await Promise.all([one.revoker.idle(), two.revoker.idle()]);
    expect(counts[0] + counts[1]).toBeLessThanOrEqual(all.length);
    expect(await ended(all.map(({ id }) => id))).toBe(all.length);
    const calls = (name: 'revokeAccessor' | 'revokeLease'): number =>
      (one.source.counts.get(name) ?? 0) + (two.source.counts.get(name) ?? 0);
    expect(calls('revokeAccessor')).toBe(32);
    expect(calls('revokeLease')).toBe(16);
    const rows = await world.query('SELECT 1 FROM leases WHERE run_ref = $1 AND attempts <> 1', [run.runRef]);
    expect(rows).toEqual([]);
  });

  it('take over from each other, and the one that wakes up late changes nothing', async () => {
    const run = await world.openRun();
    const [lease] = await leases(run, world.mounts.names.database, 1);
    const id = lease?.id ?? '';
    const frozen = await replica({ claimSeconds: 30 });
    const awake = await replica({ claimSeconds: 30 });
    let thaw = (): void => undefined;
    const gate = new Promise<void>((resolve) => (thaw = resolve));
    frozen.source.around.lookUpLease = { before: () => gate };
    await markAll(run);
    const late = frozen.revoker.revokeDue(10);
    await until(() => frozen.source.counts.get('lookUpLease'));
    expect(await awake.revoker.revokeDue(10)).toBe(0);
    awake.clock.shiftMs += 31_000;
    expect(await awake.revoker.revokeDue(10)).toBe(1);
    const before = await awake.leases.get(id);
    thaw();
    expect(await late).toBe(0);
    expect(await awake.leases.get(id)).toEqual(before);
    expect(await ended([id])).toBe(1);
  });

  it('wait for what the other is at work on', async () => {
    const run = await world.openRun();
    await leases(run, world.mounts.names.kv, 1);
    const [one, two] = [await replica(), await replica()];
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    one.source.around.revokeAccessor = { before: () => gate };
    await markAll(run);
    const busy = one.revoker.revokeDue(10);
    await until(() => one.source.counts.get('revokeAccessor'));
    const selector = {
      leaseIds: (await two.leases.list({ run: run.runRef, limit: 10 })).items.map(({ id }) => id),
    };
    expect(await two.revoker.revokeNow(selector, 50)).toEqual({ proved: 0, outstanding: 1 });
    const waiting = two.revoker.revokeNow(selector, 60_000);
    release();
    expect(await waiting).toEqual({ proved: 1, outstanding: 0 });
    expect(await busy).toBe(1);
  });
});

describe('figures', () => {
  it('count what is not ended, and say how long the oldest revocation has waited', async () => {
    const run = await world.openRun();
    const [lease] = await leases(run, world.mounts.names.kv, 2);
    const before = await world.broker.metrics.countsByState();
    expect(before.active).toBeGreaterThanOrEqual(2);
    expect(await world.broker.metrics.revocationLags()).toEqual([]);
    await world.query(
      `UPDATE leases SET state = 'revoking', revoke_cause = 'admin', revoke_requested_at = now() - interval '90 seconds', next_attempt_at = now() WHERE id = $1`,
      [lease?.id],
    );
    const [lag] = await world.broker.metrics.revocationLags();
    expect(lag).toMatchObject({ mount: world.mounts.kv, waiting: 1 });
    expect(lag?.lagSeconds).toBeGreaterThan(85);
    const after = await world.broker.metrics.countsByState();
    expect(after).toEqual({ ...before, active: before.active - 1, revoking: before.revoking + 1 });
    await world.broker.revoker.revokeDue(100);
    expect(await world.broker.metrics.revocationLags()).toEqual([]);
  });
});
