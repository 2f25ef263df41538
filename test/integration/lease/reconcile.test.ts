import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../support/until.js';
import type { LeaseBroker } from './lease-broker.js';
import { admin, startLeaseWorld, workerOf, type LeaseWorld } from './lease-world.js';

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
    expect(await broker.reconcile.round()).toEqual({ acted: 2 });
    expect(await broker.reconcile.round()).toEqual({ acted: 0 });
    await broker.revoker.revokeDue(10);
    expect(await broker.leases.get(lost.lease.id)).toMatchObject({ state: 'revoked', revokeCause: 'lost' });
    expect((await broker.leases.get(kept.lease.id)).state).toBe('active');
    const told = (await world.events(lost.lease.id)).filter(({ kind }) => kind === 'lease.lost');
    expect(told).toHaveLength(1);
  });

  it('takes no lease for lost that came to its end while it was looked up', async () => {
    const finder = await world.another({ reconciliation: { holdAbove: 2 } });
    brokers.push(finder);
    const { broker, mounts } = world;
    const run = await world.openRun();
    const issued: string[] = [];
    for (let count = 0; count < 4; count += 1) {
      const { lease } = await broker.issue.issue(run, { credential: mounts.names.kv }, workerOf(run));
      issued.push(lease.id);
    }
    // The page of rows was read with all of them active when the first is looked up.
    let released = false;
    finder.source.around.lookUpAccessor = {
      before: async () => {
        if (released) return;
        released = true;
        for (const id of issued) await broker.end.release(run, id, workerOf(run));
      },
    };
    expect(await finder.reconcile.round()).toEqual({ acted: 0 });
    expect(released).toBe(true);
    expect((await finder.hold.status()).held).toBe(false);
    const { items } = await finder.leases.list({ run: run.runRef, limit: 10 });
    expect(items.map(({ state, revokeCause }) => `${state} ${revokeCause}`)).toEqual(
      issued.map(() => 'revoked released'),
    );
    for (const id of issued)
      expect((await world.events(id)).map(({ kind }) => kind)).not.toContain('lease.lost');
  });

  it('takes no lease for unknown that came to its end after it was listed', async () => {
    const finder = await world.another({ reconciliation: { holdAbove: 2 } });
    brokers.push(finder);
    const { broker, mounts } = world;
    const run = await world.openRun();
    const wrapped = { credential: mounts.names.database, delivery: 'wrapped' as const };
    const issued: string[] = [];
    for (let count = 0; count < 4; count += 1) {
      const { lease } = await broker.issue.issue(run, wrapped, workerOf(run));
      issued.push(lease.id);
    }
    const strays = async (): Promise<number> =>
      (await world.events()).filter(({ kind }) => kind === 'lease.unknown_found').length;
    const before = await strays();
    // Vault has listed them all; when the rows are read, there is none any more that could be about one of them.
    let released = false;
    finder.source.around.listLeases = {
      after: async (_mount, _kind, role) => {
        if (released || role !== 'reader') return;
        released = true;
        for (const id of issued) await broker.end.release(run, id, workerOf(run));
      },
    };
    expect(await finder.reconcile.round()).toEqual({ acted: 0 });
    expect(released).toBe(true);
    expect((await finder.hold.status()).held).toBe(false);
    expect(await strays()).toBe(before);
  });

  it('revokes a lease of Vault that no row knows, and no other', async () => {
    const finder = await another();
    const { mounts } = world;
    const run = await world.openRun();
    const known = await finder.issue.issue(run, { credential: mounts.names.database }, workerOf(run));
    const stray = await strayUser();
    expect(await finder.reconcile.round()).toEqual({ acted: 1 });
    expect(await world.canLogIn(stray)).toBe(false);
    expect(await world.canLogIn(known.credential?.expose() ?? {})).toBe(true);
    const told = (await world.events()).filter(({ kind }) => kind === 'lease.unknown_found');
    expect(told.map(({ data }) => data['revoked'])).toEqual([false, true]);
    expect(await finder.reconcile.round()).toEqual({ acted: 0 });
  });

  it('lets a lease alone that is being issued, and tells it from a stray one', async () => {
    const [slow, finder] = [await another(), await another()];
    const { mounts } = world;
    const run = await world.openRun();
    const { shut, open } = gate();
    let reached = false;
    slow.source.around.read = { after: () => ((reached = true), shut) };
    const asked = slow.issue.issue(run, { credential: mounts.names.database }, workerOf(run));
    await until(() => reached);
    expect(await finder.reconcile.round()).toEqual({ acted: 0 });
    const stray = await strayUser();
    expect(await lookCounts(finder)).toMatchObject({ lease_ambiguous: 2, lease_unknown: 0 });
    open();
    const { credential } = await asked;
    expect(await finder.reconcile.round()).toEqual({ acted: 1 });
    expect(await world.canLogIn(stray)).toBe(false);
    expect(await world.canLogIn(credential?.expose() ?? {})).toBe(true);
  });

  it('counts wrapped leases, whose ids it never sees, against those made in their time', async () => {
    const finder = await world.another({ issuingBoundSeconds: 5 });
    brokers.push(finder);
    const { mounts } = world;
    const run = await world.openRun();
    const wanted = { credential: mounts.names.database, delivery: 'wrapped' as const };
    const { lease } = await finder.issue.issue(run, wanted, workerOf(run));
    expect(await lookCounts(finder)).toMatchObject({ lease_unknown: 0, lease_ambiguous: 0 });
    // As if it had been made long before: then nothing that Vault has made now can be about it.
    await world.query(
      `UPDATE leases SET requested_at = requested_at - interval '1 hour', issued_at = issued_at - interval '1 hour' WHERE id = $1`,
      [lease.id],
    );
    expect(await lookCounts(finder)).toMatchObject({ lease_unknown: 1, lease_ambiguous: 0 });
    await world.query(
      `UPDATE leases SET requested_at = requested_at + interval '1 hour', issued_at = issued_at + interval '1 hour' WHERE id = $1`,
      [lease.id],
    );
    await strayUser();
    expect(await lookCounts(finder)).toMatchObject({ lease_unknown: 0, lease_ambiguous: 2 });
    expect(await finder.reconcile.round()).toEqual({ acted: 0 });
    await finder.end.release(run, lease.id, workerOf(run));
    expect(await finder.reconcile.round()).toEqual({ acted: 1 });
  });
});

describe('books that differ too much', () => {
  it('hold revocation and change nothing, until somebody who has looked asks', async () => {
    const finder = await world.another({ reconciliation: { holdAbove: 2 } });
    brokers.push(finder);
    const strays = [await strayUser(), await strayUser(), await strayUser()];
    expect(await finder.reconcile.round()).toEqual({ acted: 0 });
    const status = await finder.hold.status();
    expect(status).toMatchObject({ held: true, changedBy: 'system:reconcile-vault', look: null });
    expect(status.reason).toContain('has 3 leases');
    expect((await finder.reconcile.asked())?.trigger).toBe('hold');
    expect((await finder.hold.status()).look?.summary.counts.lease_unknown).toBe(3);
    expect(await finder.reconcile.round()).toEqual({ acted: 0 });
    for (const stray of strays) expect(await world.canLogIn(stray)).toBe(true);

    const { id } = await finder.reconciliations.ask(admin, { dryRun: false, reason: 'restored; looked' });
    await finder.reconcile.asked();
    const settled = await finder.reconciliations.get(id);
    expect(settled).toMatchObject({ state: 'done', summary: { acted: 3 } });
    const { items } = await finder.reconciliations.findings(id, { limit: 2 });
    expect(items).toMatchObject([{ kind: 'lease_unknown', action: 'done' }, { action: 'done' }]);
    for (const stray of strays) expect(await world.canLogIn(stray)).toBe(false);
    expect(await finder.hold.resume(admin, 'settled')).toBe(true);
    expect(await finder.reconcile.round()).toEqual({ acted: 0 });
    expect((await finder.hold.status()).held).toBe(false);
  });
});

describe('the target', () => {
  it('has a user whom no live lease explains, which is told and left alone', async () => {
    const target = { mount: world.mounts.database, url: world.target.url };
    const whole = await world.another({ reconciliation: { targets: [target] } });
    // The server has users of other targets, too, and what is leased there is in other books.
    const query = `SELECT m.rolname FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member
      WHERE a.roleid = '${world.target.readers}'::regrole AND m.rolcanlogin`;
    const finder = await world.another({ reconciliation: { targets: [{ ...target, query }] } });
    brokers.push(whole, finder);
    const run = await world.openRun();
    const wanted = { credential: world.mounts.names.database };
    await finder.issue.issue(run, wanted, workerOf(run));
    const { lease } = await finder.issue.issue(run, { ...wanted, delivery: 'wrapped' }, workerOf(run));
    expect(await lookCounts(finder)).toMatchObject({ target_user: 0 });
    const stale = 'v-token-reader-AbCdEfGhIjKlMnOpQrSt-1700000000';
    await world.atTarget(`CREATE ROLE "${stale}" LOGIN IN ROLE ${world.target.readers}`);
    const { id } = await finder.reconciliations.ask(admin, { dryRun: true });
    await finder.reconcile.asked();
    const { items } = await finder.reconciliations.findings(id, { limit: 10 });
    expect(items).toMatchObject([{ kind: 'target_user', account: stale, action: 'none' }]);
    const { summary } = await finder.reconciliations.get(id);
    expect(summary.notLookedAt.map(({ what }) => what)).toEqual(['tokens of leases that no row knows']);
    expect(summary.lookedAt.targetUsers).toBeGreaterThanOrEqual(3);
    const all = await whole.reconciliations.ask(admin, { dryRun: true });
    await whole.reconcile.asked();
    const seen = await whole.reconciliations.findings(all.id, { limit: 1_000 });
    expect(seen.items.map(({ account }) => account)).toContain(stale);
    await world.atTarget(`DROP ROLE "${stale}"`);
    await finder.end.release(run, lease.id, workerOf(run));
  });

  it('that does not answer is told, and stops nothing else', async () => {
    const url = 'postgres://nobody:secret-word@127.0.0.1:1/none';
    const finder = await world.another({
      reconciliation: { targets: [{ mount: world.mounts.database, url }] },
    });
    brokers.push(finder);
    const { id } = await finder.reconciliations.ask(admin, { dryRun: true });
    await finder.reconcile.asked();
    const report = await finder.reconciliations.get(id);
    expect(report.state).toBe('done');
    expect(JSON.stringify(report)).toContain('users at the target');
    expect(JSON.stringify(report)).not.toContain('secret-word');
  });
});

describe('a report', () => {
  it('of one that was ended takes nothing more, and one that waits can be ended', async () => {
    const finder = await another();
    const waiting = await finder.reconciliations.ask(admin, { dryRun: true });
    expect(await finder.reconciliations.abort(admin, waiting.id)).toMatchObject({ state: 'aborted' });
    expect(await finder.reconcile.asked()).toBeUndefined();
    await expect(finder.reconciliations.abort(admin, waiting.id)).rejects.toMatchObject({ code: 'conflict' });

    await strayUser();
    const { id } = await finder.reconciliations.ask(admin, { dryRun: false });
    finder.source.around.listLeases = {
      before: async () => {
        finder.source.around.listLeases = {};
        await finder.reconciliations.abort(admin, id);
      },
    };
    await finder.reconcile.asked();
    expect(await finder.reconciliations.get(id)).toMatchObject({ state: 'aborted', summary: { acted: 0 } });
    expect(await finder.reconcile.round()).toEqual({ acted: 1 });
  });

  it('of a replica that died is closed by the next', async () => {
    const finder = await another();
    await finder.reconciliations.ask(admin, { dryRun: true });
    await world.query(
      `UPDATE reconciliations SET state = 'running', started_at = now() WHERE state = 'waiting'`,
    );
    await finder.reconcile.round();
    const { items } = await finder.reconciliations.list({ limit: 2 });
    expect(items.map(({ trigger, state }) => [trigger, state])).toEqual([
      ['scheduled', 'done'],
      ['asked', 'aborted'],
    ]);
  });
});

describe('clocks', () => {
  it('that are too far apart are a finding, and no reason to revoke', async () => {
    const finder = await another();
    const run = await world.openRun();
    const wanted = { credential: world.mounts.names.database, delivery: 'wrapped' as const };
    await finder.issue.issue(run, wanted, workerOf(run));
    finder.clock.shiftMs = 120_000;
    const { id } = await finder.reconciliations.ask(admin, { dryRun: true });
    await finder.reconcile.asked();
    const { summary } = await finder.reconciliations.get(id);
    expect(summary.counts).toMatchObject({ clock_skew: 2, lease_unknown: 0 });
    expect(summary.skewMs.vault).toBeLessThan(-100_000);
    const told = (await world.events()).filter(({ kind }) => kind === 'clock.skewed');
    expect(told.map(({ data }) => data['of']).sort()).toEqual(['database', 'vault']);
    finder.clock.shiftMs = 0;
  });
});

/** A user that somebody made around the broker. */
async function strayUser(): Promise<Readonly<Record<string, unknown>>> {
  const made = await world.mounts.call('GET', `${world.mounts.database}/creds/reader`);
  return made['data'] as Record<string, unknown>;
}

/** What a look finds, by kind. */
async function lookCounts(broker: LeaseBroker): Promise<Readonly<Record<string, number>>> {
  const { id } = await broker.reconciliations.ask(admin, { dryRun: true });
  await broker.reconcile.asked();
  return (await broker.reconciliations.get(id)).summary.counts;
}
