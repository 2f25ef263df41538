import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerError } from '../../../src/kernel/broker-error.js';
import type { Lease } from '../../../src/lease/lease.js';
import { admin, startLeaseWorld, workerOf, type LeaseWorld, type TestEvent } from './lease-world.js';

const REASON = 'the database is gone';
let world: LeaseWorld;

beforeAll(async () => {
  world = await startLeaseWorld({ stuckAfterAttempts: 3, alertAfterAttempts: 2, lagAlertSeconds: 30 });
});
afterAll(() => world.stop());

async function leased(): Promise<Lease> {
  const run = await world.openRun();
  const credential = world.mounts.names.database;
  return (await world.broker.issue.issue(run, { credential }, workerOf(run))).lease;
}

/** Lets every revocation at the target fail until the answer is called. */
function breakTarget(): () => void {
  const { around } = world.broker.source;
  around.revokeLease = {
    before: () => {
      throw new Error('the target is gone');
    },
  };
  return () => delete around.revokeLease;
}

/** A lease whose revocation failed as often as it takes. */
async function stuck(): Promise<{ lease: Lease; repair: () => void }> {
  const lease = await leased();
  const repair = breakTarget();
  await world.broker.end.revoke(admin, lease.id);
  await world.broker.retry.retry(admin, lease.id);
  await world.broker.retry.retry(admin, lease.id);
  return { lease: await world.broker.leases.get(lease.id), repair };
}

const kinds = async (id: string): Promise<string[]> => (await world.events(id)).map(({ kind }) => kind);
const of = async (id: string, kind: string): Promise<TestEvent | undefined> =>
  (await world.events(id)).find((event) => event.kind === kind);

describe('forgetting', () => {
  it('is refused for a lease that is not stuck, whatever its state', async () => {
    const lease = await leased();
    const refused = { code: 'state_transition_refused' };
    await expect(world.broker.forget.forget(admin, lease.id, REASON)).rejects.toMatchObject(refused);
    const repair = breakTarget();
    await world.broker.end.revoke(admin, lease.id);
    await expect(world.broker.forget.forget(admin, lease.id, REASON)).rejects.toMatchObject(refused);
    repair();
    await world.broker.end.revoke(admin, lease.id);
    await expect(world.broker.forget.forget(admin, lease.id, REASON)).rejects.toMatchObject(refused);
    await expect(world.broker.forget.forget(admin, 'nothing', REASON)).rejects.toMatchObject({
      code: 'not_found',
    });
    expect(await kinds(lease.id)).not.toContain('lease.forgotten');
  });

  it('proves nothing, and says what may be alive', async () => {
    const { lease, repair } = await stuck();
    const [row] = await world.query<{ account: string; accessor: string }>(
      'SELECT account, accessor FROM leases WHERE id = $1',
      [lease.id],
    );
    const forgotten = await world.broker.forget.forget(admin, lease.id, REASON);
    expect(forgotten.lease).toMatchObject({ state: 'forgotten', proof: null, attempts: 3 });
    expect(forgotten.maybeAlive).toMatchObject({ mount: world.mounts.database, account: row?.account });
    expect((await of(lease.id, 'lease.forgotten'))?.data).toMatchObject({
      reason: REASON,
      cause: 'admin',
      mount: world.mounts.database,
      attempts: 3,
      accessor: world.broker.audit.hmac(row?.accessor ?? ''),
      account: world.broker.audit.hmac(row?.account ?? ''),
    });
    expect(await kinds(lease.id)).not.toContain('lease.ended');
    expect(await world.liveUsers()).toContain(row?.account);
    repair();
    const attempts = world.broker.source.counts.get('revokeLease');
    expect(await world.broker.revoker.revokeDue(100)).toBe(0);
    expect(world.broker.source.counts.get('revokeLease')).toBe(attempts);
    await expect(world.broker.retry.retry(admin, lease.id)).rejects.toMatchObject({
      code: 'state_transition_refused',
    });
    await expect(
      world.query(`UPDATE leases SET state = 'revoked', proof = 'accessor_gone' WHERE id = $1`, [lease.id]),
    ).rejects.toThrow(/cannot go from forgotten/);
  });

  it('takes the claim away from whoever is at work on it', async () => {
    const { lease, repair } = await stuck();
    repair();
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    world.broker.source.around.lookUpLease = { before: () => gate };
    const retried = world.broker.retry.retry(admin, lease.id);
    await expect
      .poll(() => world.query('SELECT 1 FROM leases WHERE id = $1 AND claimed_by IS NOT NULL', [lease.id]), {
        timeout: 20_000,
      })
      .toHaveLength(1);
    await world.broker.forget.forget(admin, lease.id, REASON);
    release();
    delete world.broker.source.around.lookUpLease;
    expect(await retried).toMatchObject({ state: 'forgotten', proof: null });
    expect(await kinds(lease.id)).not.toContain('lease.ended');
  });
});

describe('a stuck lease', () => {
  it('is told once, listed, and not counted as stuck any more once it is proved dead', async () => {
    const { lease, repair } = await stuck();
    expect(lease).toMatchObject({ state: 'revoking', attempts: 3 });
    expect(lease.stuckSince).not.toBeNull();
    const listed = await world.broker.leases.list({ stuck: true, limit: 50 });
    expect(listed.items.map(({ id }) => id)).toContain(lease.id);
    expect(await world.broker.metrics.stuckByMount()).toEqual([
      { mount: world.mounts.database, count: listed.items.length },
    ]);
    await world.broker.retry.retry(admin, lease.id, 'once more');
    expect((await kinds(lease.id)).filter((kind) => kind === 'lease.stuck')).toHaveLength(1);
    expect(await of(lease.id, 'lease.stuck')).toMatchObject({
      outcome: 'failure',
      data: { attempts: 3, mount: world.mounts.database, revocable: true },
    });
    repair();
    expect(await world.broker.retry.retry(admin, lease.id)).toMatchObject({
      state: 'revoked',
      stuckSince: null,
      proof: 'lease_gone+accessor_revoked',
      attempts: 5,
    });
    const left = await world.broker.leases.list({ stuck: true, limit: 50 });
    expect(left.items.map(({ id }) => id)).not.toContain(lease.id);
    expect((await world.broker.leases.list({ stuck: false, limit: 50 })).items.map(({ id }) => id)).toContain(
      lease.id,
    );
  });

  it('is tried on request though the breaker of its mount is open', async () => {
    const { lease, repair } = await stuck();
    const { around } = world.broker.source;
    around.revokeLease = {
      before: () => {
        throw new BrokerError('vault_unavailable');
      },
    };
    for (let failure = 0; failure < 5; failure += 1) await world.broker.retry.retry(admin, lease.id);
    expect(world.broker.metrics.mountsLeftAlone()).toEqual([world.mounts.database]);
    repair();
    expect(await world.broker.retry.retry(admin, lease.id)).toMatchObject({ state: 'revoked' });
    expect(world.broker.metrics.mountsLeftAlone()).toEqual([]);
  });

  it('is no matter for a retry while nobody has revoked it', async () => {
    const lease = await leased();
    await expect(world.broker.retry.retry(admin, lease.id)).rejects.toMatchObject({
      code: 'state_transition_refused',
    });
    expect((await world.broker.leases.get(lease.id)).state).toBe('active');
  });
});

describe('a lag', () => {
  it('is told once when it begins and once when it is over', async () => {
    const lease = await leased();
    const told = async (kind: string): Promise<readonly TestEvent[]> =>
      (await world.events()).filter((event) => event.kind === kind);
    const repair = breakTarget();
    await world.broker.end.revoke(admin, lease.id);
    expect(await world.broker.lag.watch()).toBe(0);
    world.broker.clock.shiftMs += 31_000;
    expect(await world.broker.lag.watch()).toBe(1);
    expect(await world.broker.lag.watch()).toBe(0);
    expect(await told('revocation.lagging')).toMatchObject([
      { outcome: 'failure', data: { mount: world.mounts.database, waiting: 1, held: false } },
    ]);
    repair();
    await world.broker.retry.retry(admin, lease.id);
    expect(await world.broker.lag.watch()).toBe(1);
    expect(await told('revocation.caught_up')).toMatchObject([{ data: { mount: world.mounts.database } }]);
    expect(await world.broker.lag.watch()).toBe(0);
  });
});
