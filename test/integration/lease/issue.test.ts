import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { admin, startLeaseWorld, workerOf, type LeaseWorld } from './lease-world.js';

let world: LeaseWorld;

beforeAll(async () => {
  world = await startLeaseWorld();
});
afterAll(() => world.stop());

describe('issuing is refused', () => {
  it('for a credential that the grant does not have, or that does not exist, in the same words', async () => {
    const run = await world.openRun({ credentials: [{ name: world.mounts.names.kv }] });
    const asking = (credential: string): Promise<unknown> =>
      world.broker.issue.issue(run, { credential }, workerOf(run));
    await expect(asking(world.mounts.names.database)).rejects.toMatchObject({
      code: 'credential_not_granted',
    });
    await expect(asking('no-such-thing')).rejects.toMatchObject({ code: 'credential_not_granted' });
  });

  it('for a credential that the run token was narrowed away from', async () => {
    const run = await world.openRun();
    const narrowed = { ...run, scope: [`credential:${world.mounts.names.kv}`] };
    const credential = world.mounts.names.database;
    await expect(world.broker.issue.issue(narrowed, { credential }, workerOf(run))).rejects.toMatchObject({
      code: 'credential_not_granted',
    });
  });

  it.each([0, -1, 1.5, 10_000_000])('for a time to live of %s seconds', async (ttlSeconds) => {
    const run = await world.openRun();
    const wanted = { credential: world.mounts.names.kv, ttlSeconds };
    await expect(world.broker.issue.issue(run, wanted, workerOf(run))).rejects.toMatchObject({
      code: 'ttl_refused',
    });
  });

  it('when the grant is suspended, the credential disabled or the run closed, also right after it was allowed', async () => {
    const { broker, mounts } = world;
    const run = await world.openRun();
    const ask = (): Promise<unknown> =>
      broker.issue.issue(run, { credential: mounts.names.pki }, workerOf(run));
    await ask();
    await broker.grants.suspend(admin, run.grantId);
    await expect(ask()).rejects.toMatchObject({ code: 'grant_not_active' });
    await broker.grants.resume(admin, run.grantId);
    await ask();
    await broker.catalogue.disable(admin, mounts.names.pki);
    await expect(ask()).rejects.toMatchObject({ code: 'credential_disabled' });
    await broker.catalogue.enable(admin, mounts.names.pki);
    await ask();
    await broker.runs.close(workerOf(run), run.runRef);
    await expect(ask()).rejects.toMatchObject({ code: 'run_closed' });
    const kinds = (await world.events()).filter(({ kind }) => kind === 'lease.refused');
    expect(kinds.map(({ code, outcome }) => [code, outcome])).toEqual(
      expect.arrayContaining([
        ['grant_not_active', 'refused'],
        ['credential_disabled', 'refused'],
        ['run_closed', 'refused'],
      ]),
    );
  });

  it('by a changed grant that no longer allows it', async () => {
    const { broker, mounts } = world;
    const run = await world.openRun();
    const ask = (): Promise<unknown> =>
      broker.issue.issue(run, { credential: mounts.names.kv }, workerOf(run));
    await ask();
    const { spec, version } = await broker.grants.get(run.grantId);
    const narrower = { ...spec, credentials: [{ name: mounts.names.pki }] };
    await broker.grants.change(admin, run.grantId, narrower, version);
    await expect(ask()).rejects.toMatchObject({ code: 'credential_not_granted' });
  });

  it('by a changed grant whose conditions this run no longer meets', async () => {
    const { broker, mounts } = world;
    const run = await world.openRun();
    const ask = (): Promise<unknown> =>
      broker.issue.issue(run, { credential: mounts.names.kv }, workerOf(run));
    await ask();
    const { spec, version } = await broker.grants.get(run.grantId);
    await broker.grants.change(
      admin,
      run.grantId,
      { ...spec, workload: { claims: { sub: 'other' } } },
      version,
    );
    await expect(ask()).rejects.toMatchObject({ code: 'grant_not_found' });
  });
});

describe('issuing', () => {
  it('hands over a database user that works, with its accessor on disk before it existed', async () => {
    const { broker, mounts } = world;
    const run = await world.openRun();
    let rows: { state: string; accessor: string }[] = [];
    broker.source.around.read = {
      before: async () => {
        rows = await world.query('SELECT state, accessor FROM leases WHERE run_ref = $1', [run.runRef]);
      },
    };
    const issued = await broker.issue.issue(
      run,
      { credential: mounts.names.database, ttlSeconds: 60 },
      workerOf(run),
    );
    delete broker.source.around.read;
    expect(rows).toEqual([{ state: 'issuing', accessor: expect.any(String) as string }]);
    expect(await world.canLogIn(issued.credential?.expose() ?? {})).toBe(true);
    expect(issued.lease).toMatchObject({
      state: 'active',
      kind: 'database',
      revocable: true,
      delivery: 'inline',
    });
    expect(issued.lease).toEqual(await broker.leases.get(issued.lease.id));
    const kinds = (await world.events(issued.lease.id)).map(({ kind }) => kind);
    expect(kinds).toEqual(['lease.requested', 'lease.issued']);
  });

  it('never lets a lease live longer than its run, and takes what Vault answered for the truth', async () => {
    const { broker, mounts } = world;
    const run = await world.openRun({
      run: { from: 'asserted', stepFrom: 'asserted', maxDurationSeconds: 60 },
    });
    const { deadline } = await broker.runs.get(run.runRef);
    const wanted = { credential: mounts.names.database, ttlSeconds: 600 };
    const { lease } = await broker.issue.issue(run, wanted, workerOf(run));
    expect(lease.expiresAt.getTime()).toBeLessThanOrEqual(deadline.getTime());
    expect(lease.maxExpiresAt.getTime()).toBeLessThanOrEqual(deadline.getTime());
    const long = await world.openRun();
    const { lease: shortened } = await broker.issue.issue(long, wanted, workerOf(long));
    // The role gives 300 seconds.
    expect(shortened.expiresAt.getTime() - shortened.requestedAt.getTime()).toBeLessThan(302_000);
    expect(shortened.maxExpiresAt.getTime() - shortened.requestedAt.getTime()).toBeGreaterThan(590_000);
  });

  it('hands over static secrets and says that they cannot be revoked', async () => {
    const run = await world.openRun();
    const issued = await world.broker.issue.issue(run, { credential: world.mounts.names.kv }, workerOf(run));
    expect(issued.credential?.expose()).toEqual({ key: 'marker-secret' });
    expect(issued.lease.revocable).toBe(false);
    const ended = await world.broker.end.release(run, issued.lease.id, workerOf(run));
    expect(ended).toMatchObject({ state: 'revoked', proof: 'accessor_gone', revokeCause: 'released' });
    const last = (await world.events(issued.lease.id)).at(-1);
    expect(last).toMatchObject({ kind: 'lease.ended', data: { secret_lives_on: true, revocable: false } });
  });

  it('hands over certificates, and proves their end by lease and token', async () => {
    const run = await world.openRun();
    const issued = await world.broker.issue.issue(run, { credential: world.mounts.names.pki }, workerOf(run));
    expect(issued.credential?.expose()).toMatchObject({ certificate: expect.any(String) as string });
    expect(issued.lease).toMatchObject({ revocable: true, state: 'active' });
    const ended = await world.broker.end.release(run, issued.lease.id, workerOf(run));
    expect(ended).toMatchObject({ state: 'revoked', proof: 'lease_gone+accessor_revoked' });
  });

  it('wraps: the broker sees no secret, the worker unwraps at Vault, the end is proved by the token', async () => {
    const { broker, mounts } = world;
    const run = await world.openRun();
    const wanted = { credential: mounts.names.database, delivery: 'wrapped' as const };
    const issued = await broker.issue.issue(run, wanted, workerOf(run));
    expect(issued.credential).toBeUndefined();
    const token = issued.wrapping?.token.expose() ?? '';
    const unwrapped = await fetch(`${mounts.address}/v1/sys/wrapping/unwrap`, {
      method: 'POST',
      headers: { 'X-Vault-Token': token },
    });
    const { data } = (await unwrapped.json()) as { data: Record<string, unknown> };
    expect(await world.canLogIn(data)).toBe(true);
    const ended = await broker.end.release(run, issued.lease.id, workerOf(run));
    expect(ended).toMatchObject({ state: 'revoked', proof: 'accessor_gone' });
  });

  it('leaves nothing alive and a row with an end when the credential cannot be made', async () => {
    const { broker, mounts } = world;
    const run = await world.openRun();
    await broker.catalogue.create(admin, {
      name: 'no-role',
      kind: 'database',
      mount: mounts.database,
      path: 'no-such-role',
    });
    const { spec, version } = await broker.grants.get(run.grantId);
    const wider = { ...spec, credentials: [...spec.credentials, { name: 'no-role' }] };
    await broker.grants.change(admin, run.grantId, wider, version);
    await expect(broker.issue.issue(run, { credential: 'no-role' }, workerOf(run))).rejects.toMatchObject({
      code: 'vault_denied',
    });
    await broker.revoker.idle();
    const { items } = await broker.leases.list({ credential: 'no-role', limit: 10 });
    expect(items).toHaveLength(1);
    expect(items[0]).toMatchObject({ state: 'revoked', revokeCause: 'failed', proof: 'accessor_gone' });
    const kinds = (await world.events(items[0]?.id)).map(({ kind }) => kind);
    expect(kinds).toEqual(['lease.requested', 'lease.failed', 'lease.ended']);
  });

  it('writes no secret anywhere', async () => {
    const run = await world.openRun();
    const issued = await world.broker.issue.issue(
      run,
      { credential: world.mounts.names.database },
      workerOf(run),
    );
    const { password } = issued.credential?.expose() as { password: string };
    const everything = await world.query<{ text: string }>(
      `SELECT encode(leaf, 'escape') AS text FROM audit_inbox UNION ALL SELECT l::text FROM leases l`,
    );
    expect(everything.filter(({ text }) => text.includes(password))).toEqual([]);
    expect(everything.filter(({ text }) => text.includes('marker-secret'))).toEqual([]);
  });
});
