import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../support/until.js';
import type { LeaseBroker } from './lease-broker.js';
import { startLeaseWorld, workerOf, type LeaseWorld } from './lease-world.js';

let world: LeaseWorld;
const brokers: LeaseBroker[] = [];

beforeAll(async () => {
  world = await startLeaseWorld();
});
afterEach(async () => {
  for (const each of brokers.splice(0)) await each.stop();
});
afterAll(() => world.stop());

async function another(): Promise<LeaseBroker> {
  const started = await world.another({ issuingBoundSeconds: 60 });
  brokers.push(started);
  return started;
}

/** A gate that a call waits at until it is opened. */
function gate(): { readonly shut: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const shut = new Promise<void>((resolve) => (open = resolve));
  return { shut, open };
}

describe('a lease whose broker froze while it was being issued', () => {
  it.each(['before', 'after'] as const)('%s the credential was read is orphaned and ends', async (when) => {
    const [frozen, finder] = [await another(), await another()];
    const users = new Set(await world.liveUsers());
    const run = await world.openRun();
    const { shut, open } = gate();
    let reached = false;
    frozen.source.around.read = { [when]: () => ((reached = true), shut) };
    const asked = frozen.issue.issue(run, { credential: world.mounts.names.database }, workerOf(run));
    const answer = asked.catch((error: unknown) => error);
    await until(() => reached);
    expect(await finder.reconcile.issuing()).toEqual({ orphaned: 0 });
    finder.clock.shiftMs += 61_000;
    expect(await finder.reconcile.issuing()).toEqual({ orphaned: 1 });
    expect(await finder.revoker.revokeDue(10)).toBe(1);
    const { items } = await finder.leases.list({ run: run.runRef, limit: 10 });
    expect(items).toMatchObject([{ state: 'revoked', revokeCause: 'crashed', proof: 'accessor_gone' }]);
    const kinds = (await world.events(items[0]?.id)).map(({ kind }) => kind);
    expect(kinds).toEqual(['lease.requested', 'lease.orphaned', 'lease.ended']);
    open();
    expect(await answer).toMatchObject({ code: 'credential_unavailable' });
    await until(async () => (await world.liveUsers()).every((user) => users.has(user)), {
      what: 'the user to be gone',
    });
  });
});

describe('comparing with Vault', () => {
  it('finds a lease that Vault does not know, tells, and ends it', async () => {
    const { broker, mounts } = world;
    const run = await world.openRun();
    const ask = (credential: string): ReturnType<typeof broker.issue.issue> =>
      broker.issue.issue(run, { credential }, workerOf(run));
    const lost = await ask(mounts.names.database);
    const kept = await ask(mounts.names.database);
    const token = await ask(mounts.names.kv);
    const rows = await world.query<{ id: string; vault_lease_id: string; accessor: string }>(
      'SELECT id, vault_lease_id, accessor FROM leases WHERE run_ref = $1',
      [run.runRef],
    );
    const of = (id: string): (typeof rows)[number] | undefined => rows.find((row) => row.id === id);
    await mounts.call('PUT', 'sys/leases/revoke', {
      lease_id: of(lost.lease.id)?.vault_lease_id,
      sync: true,
    });
    await mounts.call('POST', 'auth/token/revoke-accessor', { accessor: of(token.lease.id)?.accessor });
    expect(await broker.reconcile.vault()).toEqual({ lost: 2, unknown: 0 });
    expect(await broker.reconcile.vault()).toEqual({ lost: 0, unknown: 0 });
    await broker.revoker.revokeDue(10);
    expect(await broker.leases.get(lost.lease.id)).toMatchObject({ state: 'revoked', revokeCause: 'lost' });
    expect((await broker.leases.get(kept.lease.id)).state).toBe('active');
    const told = (await world.events(lost.lease.id)).filter(({ kind }) => kind === 'lease.lost');
    expect(told).toHaveLength(1);
  });

  it('finds a lease of Vault that no row knows, and revokes it only when that stays so', async () => {
    const finder = await another();
    const { mounts } = world;
    const run = await world.openRun();
    const known = await finder.issue.issue(run, { credential: mounts.names.database }, workerOf(run));
    const made = await mounts.call('GET', `${mounts.database}/creds/reader`);
    const stray = made['data'] as Record<string, unknown>;
    expect(await finder.reconcile.vault()).toEqual({ lost: 0, unknown: 0 });
    finder.clock.shiftMs += 59_000;
    expect(await finder.reconcile.vault()).toEqual({ lost: 0, unknown: 0 });
    expect(await world.canLogIn(stray)).toBe(true);
    finder.clock.shiftMs += 2_000;
    expect(await finder.reconcile.vault()).toEqual({ lost: 0, unknown: 1 });
    expect(await world.canLogIn(stray)).toBe(false);
    expect(await world.canLogIn(known.credential?.expose() ?? {})).toBe(true);
    const told = (await world.events()).filter(({ kind }) => kind === 'lease.unknown_found');
    expect(told.map(({ data }) => data['revoked'])).toEqual([false, true]);
    expect(await finder.reconcile.vault()).toEqual({ lost: 0, unknown: 0 });
  });

  it('lets a lease alone that is being issued, and one that became known', async () => {
    const [slow, finder] = [await another(), await another()];
    const { mounts } = world;
    const run = await world.openRun();
    const { shut, open } = gate();
    let reached = false;
    slow.source.around.read = { after: () => ((reached = true), shut) };
    const asked = slow.issue.issue(run, { credential: mounts.names.database }, workerOf(run));
    await until(() => reached);
    await finder.reconcile.vault();
    open();
    const { credential } = await asked;
    finder.clock.shiftMs += 61_000;
    expect(await finder.reconcile.vault()).toEqual({ lost: 0, unknown: 0 });
    expect(await world.canLogIn(credential?.expose() ?? {})).toBe(true);
  });

  it('cannot tell wrapped leases from unknown ones, so it passes their path over', async () => {
    const finder = await another();
    const { mounts } = world;
    const run = await world.openRun();
    const wanted = { credential: mounts.names.database, delivery: 'wrapped' as const };
    const { lease } = await finder.issue.issue(run, wanted, workerOf(run));
    const before = (await mounts.leases('reader')).length;
    await finder.reconcile.vault();
    finder.clock.shiftMs += 61_000;
    expect(await finder.reconcile.vault()).toEqual({ lost: 0, unknown: 0 });
    expect(await mounts.leases('reader')).toHaveLength(before);
    await finder.end.release(run, lease.id, workerOf(run));
  });
});
