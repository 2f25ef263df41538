import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Caller } from '../../../src/kernel/caller.js';
import type { GrantSpecInput } from '../../../src/grant/grant-spec.js';
import type { Grant } from '../../../src/grant/grant.js';
import { admin, grantInput, startGrantWorld, type GrantWorld } from './grant-world.js';

let world: GrantWorld;
let approving: GrantWorld;
beforeAll(async () => {
  world = await startGrantWorld();
  approving = await startGrantWorld({ approvalRequired: true });
});
afterAll(async () => {
  await world.stop();
  await approving.stop();
});

const refused = { code: 'state_transition_refused' };
const inSeconds = (seconds: number): string =>
  new Date(world.clock.now().getTime() + seconds * 1_000).toISOString();
const kindsOf = async (from: GrantWorld, grant: Grant): Promise<string[]> =>
  (await from.events()).filter((event) => event.grant?.id === grant.id).map(({ kind }) => kind);

describe('grants that are not saved', () => {
  it.each<[string, Partial<GrantSpecInput>, object]>([
    [
      'no condition',
      { workload: { claims: {} } },
      { code: 'grant_conditions_invalid', field: '/workload/claims' },
    ],
    [
      'an expression that does not compile',
      { workload: { claims: { sub: 'x' }, cel: 'claims.' } },
      { code: 'grant_conditions_invalid', field: '/workload/cel' },
    ],
    ['an issuer that is not configured', { issuer: 'nobody' }, { code: 'request_invalid', field: '/issuer' }],
    ['an issuer of admins', { issuer: 'sso' }, { code: 'request_invalid', field: '/issuer' }],
    [
      'a credential that is not there',
      { credentials: [{ name: 'orders' }, { name: 'gone' }] },
      { code: 'credential_unknown', field: '/credentials/1/name' },
    ],
    [
      'a run that nothing names',
      { issuer: 'mesh', run: { from: 'claim', stepFrom: 'asserted' } },
      { code: 'request_invalid', field: '/run/run_id_claim' },
    ],
    [
      'an end in the past',
      { expiresAt: '2020-01-01T00:00:00Z' },
      { code: 'request_invalid', field: '/expires_at' },
    ],
  ])('%s', async (_, changes, error) => {
    await expect(world.grants.create(admin(), grantInput('unsaved', changes))).rejects.toMatchObject(error);
    await expect(world.grants.get('unsaved')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('a name that is taken', async () => {
    await world.grants.create(admin(), grantInput('taken'));
    await expect(world.grants.create(admin(), grantInput('taken'))).rejects.toMatchObject({
      code: 'name_taken',
    });
  });
});

describe('acts that are refused', () => {
  it('another version than the current one, and another name', async () => {
    const grant = await world.grants.create(admin(), grantInput('stale'));
    const change = (input: GrantSpecInput, version: number): Promise<Grant> =>
      world.grants.change(admin(), grant.id, input, version);
    await expect(change(grantInput('stale'), 2)).rejects.toMatchObject({ code: 'precondition_failed' });
    await expect(change(grantInput('other'), 1)).rejects.toMatchObject({ field: '/name' });
  });

  it('everything that the state does not allow', async () => {
    const { grants } = world;
    const grant = await grants.create(admin(), grantInput('done'));
    await expect(grants.resume(admin(), grant.id)).rejects.toMatchObject(refused);
    await expect(grants.activate(admin(), grant.id)).rejects.toMatchObject(refused);
    await expect(grants.approve(admin('eve'), grant.id)).rejects.toMatchObject(refused);
    await grants.revoke(admin(), grant.id);
    for (const act of ['approve', 'activate', 'suspend', 'resume', 'revoke'] as const)
      await expect(grants[act](admin('eve'), grant.id)).rejects.toMatchObject(refused);
    await expect(grants.change(admin(), grant.id, grantInput('done'), 1)).rejects.toMatchObject(refused);
  });

  it('what is not there', async () => {
    for (const id of ['nothing', '01930000-0000-7000-8000-000000000001', "x' OR true --", ''])
      await expect(world.grants.suspend(admin(), id)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('with no trace when the port fails', async () => {
    const grant = await world.grants.create(admin(), grantInput('unended'));
    world.endings.fail = new Error('the port failed');
    await expect(world.grants.revoke(admin(), grant.id)).rejects.toThrow('the port failed');
    world.endings.fail = undefined;
    expect(await world.grants.get(grant.id)).toMatchObject({ state: 'active' });
    expect(await kindsOf(world, grant)).toEqual(['grant.created']);
  });

  it('any ending, where nothing is registered that would end the leases', async () => {
    const bare = await startGrantWorld({ withoutPorts: true });
    await bare.grants.create(admin(), grantInput('endless'));
    await expect(bare.grants.suspend(admin(), 'endless')).rejects.toThrow('nothing is registered');
    expect(await bare.grants.get('endless')).toMatchObject({ state: 'active' });
    await bare.stop();
  });
});

describe('versions', () => {
  it('never change, also not by SQL', async () => {
    const grant = await world.grants.create(admin(), grantInput('immutable'));
    for (const statement of [
      `UPDATE grant_versions SET spec = '{}' WHERE grant_id = $1`,
      `UPDATE grant_versions SET created_by = 'x', approved_by = 'y' WHERE grant_id = $1`,
      'DELETE FROM grant_versions WHERE grant_id = $1',
    ])
      await expect(world.sql(statement, [grant.id])).rejects.toThrow();
    await expect(world.sql(`UPDATE grants SET state = 'draft' WHERE id = $1`, [grant.id])).rejects.toThrow(
      /cannot go from active to draft/,
    );
  });

  it('are kept, one for each change', async () => {
    const { grants } = world;
    const grant = await grants.create(admin(), grantInput('versioned'));
    const changed = grantInput('versioned', { description: 'two', labels: { team: 'b' } });
    expect(await grants.change(admin('eve'), 'versioned', changed, 1)).toMatchObject({
      version: 2,
      createdBy: 'sso#ada',
      spec: { description: 'two' },
    });
    const versions = await grants.versions(grant.id);
    expect(versions.map(({ version, createdBy }) => [version, createdBy])).toEqual([
      [1, 'sso#ada'],
      [2, 'sso#eve'],
    ]);
    expect(await grants.version(grant.id, 1)).toMatchObject({ version: 1, spec: grant.spec });
    await expect(grants.version(grant.id, 3)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('have one winner of many changes at once', async () => {
    const grant = await world.grants.create(admin(), grantInput('contended'));
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, (_, n) =>
        world.grants.change(admin(), grant.id, grantInput('contended', { description: `${n}` }), 1),
      ),
    );
    const lost = results.filter((result) => result.status === 'rejected');
    expect(lost).toHaveLength(7);
    for (const { reason } of lost) expect(reason).toMatchObject({ code: 'precondition_failed' });
    expect(await world.grants.versions(grant.id)).toHaveLength(2);
    expect(await kindsOf(world, grant)).toEqual(['grant.created', 'grant.changed']);
  });
});

describe('the life of a grant', () => {
  it('suspends, resumes, revokes, each with its event and its word to the leases', async () => {
    const { grants, endings } = world;
    const grant = await grants.create(admin(), grantInput('lived'));
    expect(await grants.suspend(admin(), 'lived', 'odd')).toMatchObject({ state: 'suspended' });
    expect(await grants.change(admin(), 'lived', grantInput('lived'), 1)).toMatchObject({
      state: 'suspended',
    });
    expect(await grants.resume(admin(), 'lived')).toMatchObject({ state: 'active', version: 2 });
    expect(await grants.revoke(admin(), 'lived')).toMatchObject({ state: 'revoked' });
    expect(endings.during.filter(({ of }) => of === 'lived').map(({ cause }) => cause)).toEqual([
      'grant_suspended',
      'grant_revoked',
    ]);
    expect(endings.after.filter((of) => of === grant.id)).toHaveLength(2);
    expect(await kindsOf(world, grant)).toEqual([
      'grant.created',
      'grant.suspended',
      'grant.changed',
      'grant.resumed',
      'grant.revoked',
    ]);
  });

  it('begins as a draft where that is asked for', async () => {
    const draft = await world.grants.create(admin(), grantInput('drafted'), { state: 'draft' });
    expect(draft.state).toBe('draft');
    expect(await world.grants.activate(admin(), 'drafted')).toMatchObject({ state: 'active' });
    expect(await kindsOf(world, draft)).toEqual(['grant.created', 'grant.activated']);
  });

  it('ends when its time is over, once, on whichever replica', async () => {
    const { grants, clock } = world;
    const due = await grants.create(admin(), grantInput('due', { expiresAt: inSeconds(60) }));
    const draft = await grants.create(admin(), grantInput('late', { expiresAt: inSeconds(60) }), {
      state: 'draft',
    });
    await grants.create(admin(), grantInput('later', { expiresAt: inSeconds(3_600) }));
    expect(await grants.expireDue(10)).toBe(0);
    clock.advanceMs(60_000);
    const counts = await Promise.all([grants.expireDue(10), grants.expireDue(10), grants.expireDue(10)]);
    expect(counts.reduce((sum, count) => sum + count)).toBe(1);
    expect(await grants.get('due')).toMatchObject({ state: 'expired' });
    expect(await grants.get('later')).toMatchObject({ state: 'active' });
    expect(await kindsOf(world, due)).toEqual(['grant.created', 'grant.expired']);
    await expect(grants.activate(admin(), draft.id)).rejects.toMatchObject(refused);
  });

  it('of one that cannot be expired keeps no other from it', async () => {
    const { grants, clock, endings } = world;
    await grants.create(admin(), grantInput('stuck', { expiresAt: inSeconds(10) }));
    clock.advanceMs(10_000);
    endings.fail = new Error('the port failed');
    await expect(grants.expireDue(10)).rejects.toThrow('1 grants could not be expired');
    endings.fail = undefined;
    expect(await grants.expireDue(10)).toBe(1);
  });

  it('has warnings that follow the catalogue', async () => {
    await world.catalogue.create(admin(), { name: 'key', kind: 'kv', mount: 'kv', path: 'key' });
    const grant = await world.grants.create(
      admin(),
      grantInput('warned', { credentials: [{ name: 'key' }] }),
    );
    expect(grant.warnings.join()).toContain('cannot be revoked');
    await world.catalogue.disable(admin(), 'key');
    expect((await world.grants.get('warned')).warnings.join()).toContain('is disabled');
  });
});

describe('approval', () => {
  const by = (name: string): Caller => admin(name, ['approver']);

  it('is refused to the author, and for a version that the approver did not read', async () => {
    const { grants } = approving;
    const grant = await grants.create(admin('ada'), grantInput('own'));
    expect(grant.state).toBe('pending_approval');
    await expect(grants.approve(by('ada'), grant.id)).rejects.toMatchObject({ code: 'approval_by_author' });
    await expect(grants.approve(by('eve'), grant.id, 2)).rejects.toMatchObject({
      code: 'precondition_failed',
    });
    await expect(grants.activate(admin('ada'), grant.id)).rejects.toMatchObject(refused);
    await expect(grants.suspend(admin('ada'), grant.id)).rejects.toMatchObject(refused);
  });

  it('is asked for again by every change', async () => {
    const { grants } = approving;
    const grant = await grants.create(admin('ada'), grantInput('twice'));
    expect(await grants.approve(by('eve'), grant.id, 1)).toMatchObject({ state: 'active' });
    expect(await grants.change(admin('eve'), grant.id, grantInput('twice'), 1)).toMatchObject({
      state: 'pending_approval',
    });
    await expect(grants.approve(by('eve'), grant.id)).rejects.toMatchObject({ code: 'approval_by_author' });
    expect(await grants.approve(by('ada'), grant.id)).toMatchObject({ state: 'active', version: 2 });
    const versions = await grants.versions(grant.id);
    expect(versions.map(({ approvedBy }) => approvedBy)).toEqual(['sso#eve', 'sso#ada']);
  });

  it('cannot be gone around by suspending, changing and resuming', async () => {
    const { grants } = approving;
    const grant = await grants.create(admin('ada'), grantInput('around'));
    await grants.approve(by('eve'), grant.id);
    await grants.suspend(admin('ada'), grant.id);
    await grants.change(admin('ada'), grant.id, grantInput('around', { description: 'wide' }), 1);
    await expect(grants.resume(admin('ada'), grant.id)).rejects.toMatchObject(refused);
    expect(await grants.approve(by('eve'), grant.id)).toMatchObject({ state: 'suspended' });
    await expect(grants.approve(by('eve'), grant.id)).rejects.toMatchObject(refused);
    expect(await grants.resume(admin('ada'), grant.id)).toMatchObject({ state: 'active', version: 2 });
  });

  it('is asked for when a draft is handed in', async () => {
    const { grants } = approving;
    const grant = await grants.create(admin('ada'), grantInput('handed'), { state: 'draft' });
    expect(await grants.activate(admin('ada'), grant.id)).toMatchObject({ state: 'pending_approval' });
    await grants.approve(by('eve'), grant.id);
    expect(await kindsOf(approving, grant)).toEqual(['grant.created', 'grant.submitted', 'grant.approved']);
  });
});

describe('lists', () => {
  it('filter and page, newest first', async () => {
    const { grants, catalogue } = world;
    await catalogue.create(admin(), { name: 'listed', kind: 'database', mount: 'database', path: 'listed' });
    for (const name of ['list-a', 'list-b', 'list-c']) {
      // Ids are in order of creation to the millisecond.
      world.clock.advanceMs(1);
      await grants.create(
        admin(),
        grantInput(name, {
          credentials: [{ name: 'listed' }],
          labels: { team: name === 'list-b' ? 'x' : 'y' },
        }),
      );
    }
    await grants.suspend(admin(), 'list-a');
    const names = async (filter: object): Promise<string[]> =>
      (await grants.list({ limit: 50, credential: 'listed', ...filter })).items.map(({ name }) => name);
    expect(await names({})).toEqual(['list-c', 'list-b', 'list-a']);
    expect(await names({ state: 'active' })).toEqual(['list-c', 'list-b']);
    expect(await names({ label: 'team=y' })).toEqual(['list-c', 'list-a']);
    expect(await names({ label: 'team' })).toHaveLength(3);
    expect(await names({ label: 'none' })).toEqual([]);
    expect(await names({ issuer: 'mesh' })).toEqual([]);
    const first = await grants.list({ limit: 2, credential: 'listed' });
    const second = await grants.list({ limit: 2, credential: 'listed', cursor: first.nextCursor ?? '' });
    expect([...first.items, ...second.items].map(({ name }) => name)).toEqual(['list-c', 'list-b', 'list-a']);
    expect(second.nextCursor).toBeNull();
    await expect(grants.list({ limit: 2, cursor: 'x' })).rejects.toMatchObject({ field: 'cursor' });
  });
});
