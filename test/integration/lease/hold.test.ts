import { afterAll, beforeAll, expect, it } from 'vitest';
import { admin, startLeaseWorld, workerOf, type LeaseWorld } from './lease-world.js';

let world: LeaseWorld;

beforeAll(async () => {
  world = await startLeaseWorld();
});
afterAll(() => world.stop());

it('holds every revocation that nobody named, and goes on where it stopped', async () => {
  const { broker, mounts } = world;
  const run = await world.openRun();
  const other = await world.openRunOf(run);
  const credential = mounts.names.database;
  const { lease: due } = await broker.issue.issue(other, { credential, ttlSeconds: 60 }, workerOf(other));
  const { lease, credential: login } = await broker.issue.issue(run, { credential }, workerOf(run));
  const { lease: named } = await broker.issue.issue(run, { credential }, workerOf(run));

  expect(await broker.hold.hold(admin, 'restored')).toBe(true);
  expect(await broker.hold.hold(admin, 'again')).toBe(false);
  const replica = await world.another();
  expect(await replica.hold.held()).toBe(true);

  broker.clock.shiftMs += 61_000;
  expect(await broker.expiry.expireDue(10)).toEqual({ marked: 0, nextDueInMs: undefined });
  expect((await broker.leases.get(due.id)).state).toBe('active');
  broker.clock.shiftMs = 0;

  expect(await broker.end.release(run, named.id, workerOf(run))).toMatchObject({ state: 'revoked' });
  await broker.runs.close(workerOf(run), run.runRef);
  const outstanding = { proved: 0, outstanding: 1 };
  expect(await broker.revoker.revokeNow({ runRef: run.runRef }, 1_000)).toEqual(outstanding);
  expect(await replica.revoker.revokeDue(10)).toBe(0);
  expect(await broker.leases.get(lease.id)).toMatchObject({ state: 'revoking', attempts: 0 });
  expect(await world.canLogIn(login?.expose() ?? {})).toBe(true);
  broker.clock.shiftMs += 120_000;
  expect(await broker.reconcile.issuing()).toEqual({ orphaned: 0 });
  expect(await broker.reconcile.round()).toEqual({ acted: 0 });
  broker.clock.shiftMs = 0;

  expect(await broker.hold.resume(admin, 'looked')).toBe(true);
  expect(await broker.hold.resume(admin)).toBe(false);
  expect(await replica.revoker.revokeDue(10)).toBe(1);
  expect((await broker.leases.get(lease.id)).state).toBe('revoked');
  expect(await world.canLogIn(login?.expose() ?? {})).toBe(false);
  const kinds = (await world.events()).filter(({ kind }) => kind.startsWith('revocation.'));
  expect(kinds.map(({ kind, data }) => [kind, data])).toEqual([
    ['revocation.held', { reason: 'restored' }],
    ['revocation.resumed', { reason: 'looked' }],
  ]);
});

it('is set by the settings before any job runs, also over an earlier resume', async () => {
  await world.broker.hold.hold(admin);
  await world.broker.hold.resume(admin);
  const held = await world.another({ revocation: 'hold' });
  expect(await held.hold.held()).toBe(true);
  expect(await world.broker.hold.held()).toBe(true);
  const last = (await world.events()).at(-1);
  expect(last).toMatchObject({ kind: 'revocation.held', actor: { type: 'system', name: 'settings' } });
  await world.broker.hold.resume(admin);
});

it('holds on a word that nobody understands', async () => {
  await world.query(`UPDATE switches SET value = 'maybe' WHERE name = 'revocation'`);
  expect(await world.broker.hold.held()).toBe(true);
});
