import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CredentialSpecInput } from '../../../src/credential/credential.js';
import { admin, startGrantWorld, type GrantWorld } from '../grant/grant-world.js';

let world: GrantWorld;
beforeAll(async () => {
  world = await startGrantWorld();
});
afterAll(() => world.stop());

const input = (name: string, changes: Partial<CredentialSpecInput> = {}): CredentialSpecInput => ({
  name,
  kind: 'database',
  mount: 'database',
  path: name,
  ...changes,
});

describe('changes of the catalogue that are refused', () => {
  it('a name that is taken', async () => {
    const twice = world.catalogue.create(admin(), input('orders'));
    await expect(twice).rejects.toMatchObject({ code: 'name_taken', field: '/name' });
  });

  it('what is not there', async () => {
    const { catalogue } = world;
    for (const attempt of [
      () => catalogue.get('nothing'),
      () => catalogue.change(admin(), 'nothing', input('nothing'), 1),
      () => catalogue.disable(admin(), 'nothing'),
      () => catalogue.enable(admin(), 'nothing'),
    ])
      await expect(attempt()).rejects.toMatchObject({ code: 'not_found' });
    expect(await catalogue.find('nothing')).toBeUndefined();
  });

  it('another name or kind, and a version that is not the current one', async () => {
    const { catalogue } = world;
    await catalogue.create(admin(), input('fixed'));
    await expect(catalogue.change(admin(), 'fixed', input('other'), 1)).rejects.toMatchObject({
      field: '/name',
    });
    const kv = input('fixed', { kind: 'kv' });
    await expect(catalogue.change(admin(), 'fixed', kv, 1)).rejects.toMatchObject({ field: '/kind' });
    await expect(catalogue.change(admin(), 'fixed', input('fixed'), 2)).rejects.toMatchObject({
      code: 'precondition_failed',
    });
  });

  it('to disable what is disabled, to enable what is enabled', async () => {
    const { catalogue } = world;
    await catalogue.create(admin(), input('switched'));
    const refused = { code: 'state_transition_refused' };
    await expect(catalogue.enable(admin(), 'switched')).rejects.toMatchObject(refused);
    await catalogue.disable(admin(), 'switched');
    await expect(catalogue.disable(admin(), 'switched')).rejects.toMatchObject(refused);
  });

  it('with no trace: neither a row nor an event is left by a failure in the port', async () => {
    await world.catalogue.create(admin(), input('kept'));
    world.endings.fail = new Error('the port failed');
    await expect(world.catalogue.disable(admin(), 'kept')).rejects.toThrow('the port failed');
    world.endings.fail = undefined;
    expect(await world.catalogue.get('kept')).toMatchObject({ enabled: true, version: 1 });
    const events = await world.events('credential.disabled');
    expect(events.map((event) => (event as unknown as { credential: string }).credential)).not.toContain(
      'kept',
    );
  });

  it('pages that no list gives', async () => {
    const { catalogue } = world;
    for (const limit of [0, -1, 501, 1.5, Number.NaN])
      await expect(catalogue.list({ limit })).rejects.toMatchObject({ field: 'limit' });
    for (const cursor of ['', 'x', 'W10', Buffer.from('[1,2]').toString('base64url')])
      await expect(catalogue.list({ limit: 1, cursor })).rejects.toMatchObject({ field: 'cursor' });
  });
});

describe('the catalogue', () => {
  it('saves, changes and counts versions, each with its event', async () => {
    const { catalogue } = world;
    const created = await catalogue.create(admin(), input('web', { labels: { team: 'a' } }));
    expect(created).toMatchObject({ version: 1, enabled: true, revocable: true, createdBy: 'sso#ada' });
    const changed = await catalogue.change(admin('eve'), 'web', input('web', { maxTtlSeconds: 7_200 }), 1);
    expect(changed).toMatchObject({ version: 2, maxTtlSeconds: 7_200, labels: {}, createdBy: 'sso#ada' });
    const about = (await world.events()).filter(
      (event) => (event as unknown as { credential?: string }).credential === 'web',
    );
    expect(about.map(({ kind }) => kind)).toEqual(['credential.created', 'credential.changed']);
    expect(about[1]?.data).toEqual({ version: 2, changed: ['maxTtlSeconds', 'labels'] });
  });

  it('has one winner of two changes of the same version', async () => {
    const { catalogue } = world;
    await catalogue.create(admin(), input('raced'));
    const results = await Promise.allSettled(
      [1_000, 2_000, 3_000].map((maxTtlSeconds) =>
        catalogue.change(admin(), 'raced', input('raced', { maxTtlSeconds }), 1),
      ),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await catalogue.get('raced')).toMatchObject({ version: 2 });
  });

  it('tells the leases when it disables, and goes on when that is late', async () => {
    const { catalogue, endings } = world;
    await catalogue.create(admin(), input('ended'));
    endings.failAfter = new Error('Vault is down');
    expect(await catalogue.disable(admin(), 'ended', 'leaked')).toMatchObject({ enabled: false, version: 2 });
    endings.failAfter = undefined;
    expect(endings.during).toContainEqual({ cause: 'credential_disabled', of: 'ended' });
    expect(endings.after).toContain('ended');
    expect((await world.events('credential.disabled')).at(-1)?.data).toEqual({ reason: 'leaked' });
    expect(await catalogue.enable(admin(), 'ended')).toMatchObject({ enabled: true, version: 3 });
  });

  it('lists in pages that miss and repeat nothing', async () => {
    const seen: string[] = [];
    let cursor: string | null | undefined;
    do {
      const page = await world.catalogue.list({ limit: 2, ...(cursor && { cursor }) });
      seen.push(...page.items.map(({ name }) => name));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual([...new Set(seen)].sort());
    expect(seen).toContain('orders');
    expect((await world.catalogue.list({ kind: 'pki', limit: 5 })).items).toEqual([]);
    expect((await world.catalogue.list({ enabled: false, limit: 5 })).items.map(({ name }) => name)).toEqual([
      'switched',
    ]);
  });
});

describe('without anybody who would revoke the leases', () => {
  it('nothing can be disabled', async () => {
    const bare = await startGrantWorld({ withoutPorts: true });
    await expect(bare.catalogue.disable(admin(), 'orders')).rejects.toThrow('nothing is registered');
    expect(await bare.catalogue.get('orders')).toMatchObject({ enabled: true });
    await bare.stop();
  });
});
