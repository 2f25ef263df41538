import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunIdentity } from '../../../src/identity/run-token.js';
import type { IssuedLease } from '../../../src/lease/issuing.js';
import { until } from '../../support/until.js';
import { admin, startLeaseWorld, workerOf, type LeaseWorld } from './lease-world.js';

let world: LeaseWorld;

beforeAll(async () => {
  world = await startLeaseWorld();
});
afterAll(() => world.stop());

function issued(run: RunIdentity, credential: string = world.mounts.names.database): Promise<IssuedLease> {
  return world.broker.issue.issue(run, { credential }, workerOf(run));
}

async function dead({ lease, credential }: IssuedLease, cause: string): Promise<void> {
  await until(async () => (await world.broker.leases.get(lease.id)).state === 'revoked');
  expect(await world.broker.leases.get(lease.id)).toMatchObject({
    revokeCause: cause,
    proof: 'lease_gone+accessor_revoked',
    endedAt: expect.any(Date) as Date,
    nextAttemptAt: null,
  });
  expect(await world.canLogIn(credential?.expose() ?? {})).toBe(false);
  const events = await world.events(lease.id);
  expect(events.filter(({ kind }) => kind === 'lease.ended')).toHaveLength(1);
  expect(events.find(({ kind }) => kind === 'lease.revocation_requested')).toMatchObject({ data: { cause } });
}

describe('ending is refused', () => {
  it("for another run's lease and for what does not exist, in the same words", async () => {
    const run = await world.openRun();
    const other = await world.openRunOf(run);
    const { lease, credential } = await issued(run);
    for (const id of [lease.id, world.broker.ids.uuid(), "' OR true --"]) {
      await expect(world.broker.end.release(other, id, workerOf(other))).rejects.toMatchObject({
        code: 'not_found',
      });
    }
    await expect(world.broker.leases.ofRun(other, lease.id)).rejects.toMatchObject({ code: 'not_found' });
    await expect(world.broker.end.revoke(admin, 'x')).rejects.toMatchObject({ code: 'not_found' });
    expect(await world.canLogIn(credential?.expose() ?? {})).toBe(true);
  });
});

describe('a lease ends', () => {
  it('when it is released, once', async () => {
    const run = await world.openRun();
    const lease = await issued(run);
    expect(await world.broker.end.release(run, lease.lease.id, workerOf(run))).toMatchObject({
      state: 'revoked',
    });
    await dead(lease, 'released');
    const again = await world.broker.end.release(run, lease.lease.id, workerOf(run));
    expect(again).toEqual(await world.broker.leases.get(lease.lease.id));
    await dead(lease, 'released');
  });

  it('when an admin revokes it, with the reason in the event', async () => {
    const run = await world.openRun();
    const lease = await issued(run);
    await world.broker.end.revoke(admin, lease.lease.id, 'seen in a log');
    await dead(lease, 'admin');
    const events = await world.events(lease.lease.id);
    expect(events.find(({ kind }) => kind === 'lease.revocation_requested')).toMatchObject({
      data: { reason: 'seen in a log' },
    });
  });

  it('with its run, all of them, and those of other runs live on', async () => {
    const run = await world.openRun();
    const other = await world.openRunOf(run);
    const [one, two, spared] = await Promise.all([issued(run), issued(run), issued(other)]);
    const { leases } = await world.broker.runs.close(workerOf(run), run.runRef);
    expect(leases).toBe(2);
    expect(await world.broker.revoker.revokeNow({ runRef: run.runRef }, 30_000)).toEqual({
      proved: 2,
      outstanding: 0,
    });
    await dead(one, 'run_closed');
    await dead(two, 'run_closed');
    expect(await world.canLogIn(spared.credential?.expose() ?? {})).toBe(true);
  });

  it('while its grant is suspended, and the run goes on after', async () => {
    const run = await world.openRun();
    const lease = await issued(run);
    await world.broker.grants.suspend(admin, run.grantId);
    await dead(lease, 'grant_suspended');
    await world.broker.grants.resume(admin, run.grantId);
    expect((await issued(run)).lease.state).toBe('active');
  });

  it('with its grant, which takes the run along', async () => {
    const run = await world.openRun();
    const lease = await issued(run);
    await world.broker.grants.revoke(admin, run.grantId);
    await dead(lease, 'grant_revoked');
    expect(await world.broker.runs.get(run.runRef)).toMatchObject({
      state: 'revoked',
      endCause: 'grant_revoked',
    });
  });

  it('when its credential is disabled', async () => {
    const run = await world.openRun();
    const lease = await issued(run, world.mounts.names.slow);
    await world.broker.catalogue.disable(admin, world.mounts.names.slow);
    await dead(lease, 'credential_disabled');
    await world.broker.catalogue.enable(admin, world.mounts.names.slow);
  });

  it('when its time is up, as expired', async () => {
    const { broker, mounts } = world;
    const run = await world.openRun();
    const wanted = { credential: mounts.names.database, ttlSeconds: 1 };
    const { lease, credential } = await broker.issue.issue(run, wanted, workerOf(run));
    const { marked, nextDueInMs = NaN } = await broker.expiry.expireDue(100);
    expect(marked).toBe(0);
    expect(nextDueInMs).toBeLessThanOrEqual(1_000);
    await until(() => lease.expiresAt <= broker.clock.now());
    expect(await broker.expiry.expireDue(100)).toMatchObject({ marked: 1 });
    expect(await broker.leases.get(lease.id)).toMatchObject({ state: 'revoking', revokeCause: 'expiry' });
    await broker.revoker.revokeDue(100);
    expect(await broker.leases.get(lease.id)).toMatchObject({ state: 'expired', revokeCause: 'expiry' });
    expect(await world.canLogIn(credential?.expose() ?? {})).toBe(false);
  });
});
