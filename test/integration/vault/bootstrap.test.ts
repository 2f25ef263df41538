import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../../src/kernel/secret.js';
import { apply } from '../../../src/vault/bootstrap/apply.js';
import type { Change } from '../../../src/vault/bootstrap/change.js';
import { bootstrapInputSchema } from '../../../src/vault/bootstrap/input.js';
import { OperatorVault } from '../../../src/vault/bootstrap/operator.js';
import { plan } from '../../../src/vault/bootstrap/plan.js';
import { VaultRights, type RightsCheck } from '../../../src/vault/vault-rights.js';
import type { VaultSession } from '../../../src/vault/vault-session.js';
import { clientAt, METADATA, sessionOf, startVaultWorld, type VaultWorld } from './vault-world.js';

let world: VaultWorld;
let session: VaultSession;
let rights: VaultRights;
const { client } = clientAt();

beforeAll(async () => {
  world = await startVaultWorld();
  ({ session } = sessionOf(client, world.login));
  rights = new VaultRights(client, session, world.names);
});

afterAll(async () => {
  await session.stop();
  await client.close();
  await world.stop();
});

const credentials = () => bootstrapInputSchema.parse(world.input).credentials;
const actions = (changes: readonly Change[]): string[] => [...new Set(changes.map(({ action }) => action))];
const failing = (checks: readonly RightsCheck[]): readonly RightsCheck[] => checks.filter(({ ok }) => !ok);

describe('the broker’s own login', () => {
  it.each([
    ['write the policy of a credential', 'POST', () => `sys/policies/acl/${world.names.policyPrefix}kv`],
    ['write its own policy', 'POST', () => `sys/policies/acl/${world.input.brokerPolicy}`],
    ['delete a policy', 'DELETE', () => `sys/policies/acl/${world.names.policyPrefix}kv`],
    ['write the token role', 'POST', () => `auth/token/roles/${world.names.leaseTokenRole}`],
    ['make a token outside the role', 'POST', () => 'auth/token/create'],
    ['make an orphan outside the role', 'POST', () => 'auth/token/create-orphan'],
    ['list accessors', 'LIST', () => 'auth/token/accessors'],
    ['make itself a secret id', 'POST', () => `auth/${world.input.approle.mount}/role/leasegate/secret-id`],
    ['read a static secret', 'GET', () => `kv-${world.id}/data/payments-api`],
    ['make a database user', 'GET', () => `database-${world.id}/creds/orders-readonly`],
    ['revoke by prefix', 'POST', () => `sys/leases/revoke-prefix/database-${world.id}`],
    ['revoke by force', 'POST', () => `sys/leases/revoke-force/database-${world.id}`],
    ['list leases of other roles', 'LIST', () => `sys/leases/lookup/database-${world.id}/creds/other`],
    ['list all leases', 'LIST', () => 'sys/leases/lookup/'],
    ['list auth leases', 'LIST', () => 'sys/leases/lookup/auth/token/create'],
    ['mount an engine', 'POST', () => 'sys/mounts/other'],
    ['seal', 'POST', () => 'sys/seal'],
  ] as [string, 'GET' | 'POST' | 'DELETE' | 'LIST', () => string][])(
    'cannot %s',
    async (_what, method, path) => {
      const body = method === 'POST' ? { body: { policy: '', policies: ['root'] } } : {};
      await expect(
        session.use((token) =>
          client.call({ operation: 'test', method, path: path().replace(/\/$/, ''), token, ...body }),
        ),
      ).rejects.toMatchObject({ code: 'vault_denied' });
    },
  );

  it('cannot ask its token role for another policy', async () => {
    for (const policies of [['root'], ['default'], [world.input.brokerPolicy], []]) {
      const body = { policies, no_default_policy: false };
      const path = `auth/token/create/${world.names.leaseTokenRole}`;
      const asked = session.use((token) =>
        client.call({ operation: 'test', method: 'POST', path, token, body }),
      );
      const made = await asked.then(
        (answer) => (answer as { auth: { token_policies?: string[] } }).auth.token_policies ?? [],
        () => [],
      );
      expect(made.filter((policy) => policy !== 'default')).toEqual([]);
      if (policies.length > 0) expect(made).toEqual([]);
    }
  });
});

describe('names that would widen a policy', () => {
  it('are refused before anything is read or written', async () => {
    const credential = { name: 'x', kind: 'kv', mount: 'kv', path: '*' } as const;
    await expect(plan(world.operator, { ...world.input, credentials: [credential] })).rejects.toThrow(
      'plain path',
    );
    await expect(apply(world.operator, { ...world.input, credentials: [credential] })).rejects.toThrow(
      'plain path',
    );
  });
});

describe('plan', () => {
  it('fails as Vault does for a token that is not an operator’s', async () => {
    const nobody = new OperatorVault(client, Secret.of('hvs.nobody'));
    await expect(plan(nobody, world.input)).rejects.toMatchObject({ code: 'vault_denied' });
  });

  it('has nothing to do after an apply, and says so again and again', async () => {
    for (let time = 0; time < 2; time += 1)
      expect(actions(await plan(world.operator, world.input))).toEqual(['none']);
    const { changes, roleId, secretId } = await apply(world.operator, world.input);
    expect(actions(changes)).toEqual(['none']);
    expect([roleId, secretId]).toEqual([world.login.roleId, undefined]);
  });

  it('writes nothing', async () => {
    const input = {
      ...world.input,
      policyPrefix: `planned-${world.id}-`,
      leaseTokenRole: `planned-${world.id}`,
      approle: { ...world.input.approle, mount: `planned-${world.id}` },
    };
    const changes = await plan(world.operator, input);
    expect(changes.filter(({ action }) => action === 'create').map(({ kind }) => kind)).toEqual([
      'policy',
      'policy',
      'policy',
      'token-role',
      'auth-mount',
      'approle-role',
    ]);
    expect(await plan(world.operator, input)).toEqual(changes);
  });

  it('names what was changed behind our back, and apply puts it right', async () => {
    const role = `auth/token/roles/${world.names.leaseTokenRole}`;
    await world.root.call('POST', role, { orphan: false, allowed_policies: ['root'] });
    await world.root.call('POST', `sys/policies/acl/${world.names.policyPrefix}kv`, {
      policy: 'path "*" {}',
    });
    await world.root.call('DELETE', `sys/policies/acl/${world.names.policyPrefix}pki`);
    const due = (await plan(world.operator, world.input)).filter(({ action }) => action !== 'none');
    expect(due.map(({ action, kind, detail }) => `${action} ${kind} ${detail}`)).toEqual([
      'update policy its text differs from the template',
      'create policy is not there',
      'update token-role differs in allowed_policies, orphan',
    ]);
    expect(failing(await rights.check(credentials())).map(({ check }) => check)).toEqual([
      `vault token role ${world.names.leaseTokenRole}`,
      `vault policy ${world.names.policyPrefix}kv`,
      `vault policy ${world.names.policyPrefix}pki`,
    ]);
    await apply(world.operator, world.input);
    expect(actions(await plan(world.operator, world.input))).toEqual(['none']);
  });

  it('finds policies that nothing asks for, and removes them only when told to', async () => {
    const extra = `${world.names.policyPrefix}old`;
    await world.root.call('POST', `sys/policies/acl/${extra}`, { policy: '# old' });
    const found = (await apply(world.operator, world.input)).changes.filter(
      ({ action }) => action === 'extra',
    );
    expect(found.map(({ name }) => name)).toEqual([extra]);
    await apply(world.operator, world.input, { removeExtra: true });
    expect(actions(await plan(world.operator, world.input))).toEqual(['none']);
  });

  it('points at roles of engines that only the operator can put right', async () => {
    const [database, , pki] = world.input.credentials;
    const odd = [
      { ...database!, defaultTtlSeconds: 60 },
      { ...database!, name: 'missing', path: 'missing' },
      { ...pki!, name: 'unmounted', mount: 'unmounted' },
    ];
    const attention = (await plan(world.operator, { ...world.input, credentials: odd })).filter(
      ({ action }) => action === 'attention',
    );
    expect(attention.map(({ name, detail }) => `${name}: ${detail}`)).toEqual([
      expect.stringMatching(/^database: its default_ttl is longer than the 60 s/),
      'missing: is not there; leases of this credential will fail',
      'unmounted: is not there; leases of this credential will fail',
    ]);
  });

  it('leaves an auth method of another type alone', async () => {
    const mount = `other-${world.id}`;
    await world.root.call('POST', `sys/auth/${mount}`, { type: 'userpass' });
    const input = { ...world.input, approle: { ...world.input.approle, mount } };
    const change = (await plan(world.operator, input)).find(({ kind }) => kind === 'auth-mount');
    expect(change).toMatchObject({
      action: 'attention',
      detail: 'is an auth method of another type, not approle',
    });
    await world.root.call('DELETE', `sys/auth/${mount}`);
  });
});

describe('rights', () => {
  it('are as they should be after an apply', async () => {
    const checks = await rights.check(credentials());
    expect(failing(checks)).toEqual([]);
    expect(checks.length).toBeGreaterThan(15);
  });

  it('name each right that is missing, and what to do', async () => {
    const policy = `sys/policies/acl/${world.input.brokerPolicy}`;
    const { policy: text } = (await world.root.call('GET', policy)) as { policy: string };
    const less = text
      .replace(/path "auth\/token\/revoke-accessor" \{[^}]*\}/, '')
      .replaceAll(`database-${world.id}`, 'x');
    try {
      await world.root.call('POST', policy, { policy: less });
      const failed = failing(await rights.check(credentials()));
      expect(failed.map(({ check }) => check)).toEqual([
        'vault right: update on auth/token/revoke-accessor',
        `vault leases of database-${world.id}`,
      ]);
      for (const { fix } of failed) expect(fix).toContain('leasegate vault apply');
    } finally {
      await world.root.call('POST', policy, { policy: text });
    }
  });

  it('name a login that could widen its own', async () => {
    const policy = `sys/policies/acl/${world.input.brokerPolicy}`;
    const { policy: text } = (await world.root.call('GET', policy)) as { policy: string };
    const more = `${text}\npath "sys/policies/acl/*" { capabilities = ["create", "update", "read"] }`;
    try {
      await world.root.call('POST', policy, { policy: more });
      const failed = failing(await rights.check(credentials()));
      expect(failed.map(({ check }) => check)).toEqual(['vault right: no way to widen its own rights']);
    } finally {
      await world.root.call('POST', policy, { policy: text });
    }
  });

  it('that cannot be checked have failed, and the check does not', async () => {
    const { client: nowhere } = clientAt('http://127.0.0.1:1');
    const lost = sessionOf(nowhere, world.login).session;
    const checks = await new VaultRights(nowhere, lost, world.names).check(credentials());
    expect(checks.length).toBeGreaterThan(5);
    expect(checks.every(({ ok, detail }) => !ok && detail.includes('vault login'))).toBe(true);
    await lost.stop();
    await nowhere.close();
  });
});

it('a credential that is added works from the next apply on', async () => {
  const source = world.source(client, session);
  const added = { ...world.request('kv'), name: 'second' };
  const lease = { credential: 'second', ttlSeconds: 60, metadata: METADATA };
  const before = await source.createLeaseToken(lease);
  await expect(source.read(before.token, added)).rejects.toMatchObject({ code: 'vault_denied' });
  await apply(world.operator, { ...world.input, credentials: [...world.input.credentials, added] });
  const after = await source.createLeaseToken(lease);
  expect((await source.read(after.token, added)).data.expose()).toHaveProperty('api_key');
});
