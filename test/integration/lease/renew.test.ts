import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunIdentity } from '../../../src/identity/run-token.js';
import type { Lease } from '../../../src/lease/lease.js';
import { admin, startLeaseWorld, workerOf, type LeaseWorld } from './lease-world.js';

let world: LeaseWorld;

beforeAll(async () => {
  world = await startLeaseWorld();
});
afterAll(() => world.stop());

async function leased(run: RunIdentity, credential: string, ttlSeconds = 60): Promise<Lease> {
  const { lease } = await world.broker.issue.issue(run, { credential, ttlSeconds }, workerOf(run));
  return lease;
}

function renewing(run: RunIdentity, id: string, ttlSeconds?: number): Promise<Lease> {
  return world.broker.renewal.renew(run, id, { ttlSeconds }, workerOf(run));
}

describe('a renewal is refused', () => {
  it("for another run's lease, as if there were none", async () => {
    const run = await world.openRun();
    const other = await world.openRunOf(run);
    const lease = await leased(run, world.mounts.names.kv);
    for (const id of [lease.id, world.broker.ids.uuid(), 'not-an-id']) {
      await expect(renewing(other, id)).rejects.toMatchObject({ code: 'not_found' });
    }
  });

  it('when the run has ended, even while Vault would allow it', async () => {
    const run = await world.openRun();
    const lease = await leased(run, world.mounts.names.database);
    await world.broker.runs.close(workerOf(run), run.runRef);
    await expect(renewing(run, lease.id)).rejects.toMatchObject({ code: 'run_closed', usableUntil: null });
  });

  it('when the run ends between the decision and the commit', async () => {
    const { broker, mounts } = world;
    const run = await world.openRun();
    const lease = await leased(run, mounts.names.database);
    broker.source.around.renew = {
      after: async () => void (await broker.runs.close(workerOf(run), run.runRef)),
    };
    await expect(renewing(run, lease.id, 120)).rejects.toMatchObject({ code: 'run_closed' });
    delete broker.source.around.renew;
    const tally = await broker.revoker.revokeNow({ runRef: run.runRef }, 30_000);
    expect(tally).toEqual({ proved: 1, outstanding: 0 });
    expect(await broker.leases.get(lease.id)).toMatchObject({ renewals: 0, state: 'revoked' });
  });

  it('when the grant is suspended or no longer has the credential', async () => {
    const { broker, mounts } = world;
    const run = await world.openRun();
    const lease = await leased(run, mounts.names.kv);
    const { spec, version } = await broker.grants.get(run.grantId);
    await broker.grants.change(
      admin,
      run.grantId,
      { ...spec, credentials: [{ name: mounts.names.pki }] },
      version,
    );
    await expect(renewing(run, lease.id)).rejects.toMatchObject({
      code: 'credential_not_granted',
      usableUntil: lease.expiresAt,
    });
    await broker.grants.suspend(admin, run.grantId);
    await expect(renewing(run, lease.id)).rejects.toMatchObject({
      code: 'grant_not_active',
      usableUntil: null,
    });
    const refusals = (await world.events(lease.id)).filter(({ kind }) => kind === 'lease.renewal_refused');
    expect(refusals.map(({ code }) => code)).toEqual(['credential_not_granted', 'grant_not_active']);
    expect(refusals[0]?.data).toMatchObject({ usable_until: lease.expiresAt.toISOString() });
  });

  it('of a certificate, whose end is in it', async () => {
    const run = await world.openRun();
    const lease = await leased(run, world.mounts.names.pki);
    await expect(renewing(run, lease.id, 300)).rejects.toMatchObject({
      code: 'lease_not_renewable',
      usableUntil: lease.expiresAt,
    });
  });

  it('of what was released', async () => {
    const run = await world.openRun();
    const lease = await leased(run, world.mounts.names.kv);
    await world.broker.end.release(run, lease.id, workerOf(run));
    await expect(renewing(run, lease.id)).rejects.toMatchObject({
      code: 'lease_not_active',
      usableUntil: null,
    });
  });

  it('beyond the longest life', async () => {
    const { broker, mounts } = world;
    const run = await world.openRun({
      run: { from: 'asserted', stepFrom: 'asserted', maxDurationSeconds: 60 },
    });
    const lease = await leased(run, mounts.names.database, 30);
    const renewed = await renewing(run, lease.id, 600);
    const { deadline } = await broker.runs.get(run.runRef);
    expect(renewed.expiresAt.getTime()).toBeLessThanOrEqual(deadline.getTime());
    await expect(renewing(run, lease.id, 600)).rejects.toMatchObject({ code: 'lease_not_renewable' });
  });
});

describe('a renewal', () => {
  it('extends the database user in Vault too, and is recorded', async () => {
    const { broker, mounts } = world;
    const run = await world.openRun();
    const lease = await leased(run, mounts.names.database, 30);
    const renewed = await renewing(run, lease.id, 120);
    expect(renewed.expiresAt.getTime()).toBeGreaterThan(lease.expiresAt.getTime() + 60_000);
    expect(await broker.leases.get(lease.id)).toEqual(renewed);
    const [user] = await world.query<{ vault_lease_id: string }>(
      'SELECT vault_lease_id FROM leases WHERE id = $1',
      [lease.id],
    );
    const looked = await mounts.call('PUT', 'sys/leases/lookup', { lease_id: user?.vault_lease_id });
    expect((looked as { data: { ttl: number } }).data.ttl).toBeGreaterThan(90);
    const last = (await world.events(lease.id)).at(-1);
    expect(last).toMatchObject({
      kind: 'lease.renewed',
      data: { renewals: 1, expires_at: renewed.expiresAt.toISOString() },
    });
  });

  it('extends our own lease on a static secret', async () => {
    const run = await world.openRun();
    const lease = await leased(run, world.mounts.names.kv, 30);
    const renewed = await renewing(run, lease.id, 120);
    expect(renewed.expiresAt.getTime()).toBeGreaterThan(lease.expiresAt.getTime() + 60_000);
  });

  it('never makes a lease shorter', async () => {
    const run = await world.openRun();
    const lease = await leased(run, world.mounts.names.kv, 120);
    expect(await renewing(run, lease.id, 10)).toEqual(lease);
  });
});
