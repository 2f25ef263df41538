import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerError } from '../../../src/kernel/broker-error.js';
import { Secret } from '../../../src/kernel/secret.js';
import type { LeaseToken } from '../../../src/lease/credential-source.js';
import { VaultTroubles } from '../../../src/vault/vault-troubles.js';
import { VaultCredentialSource } from '../../../src/vault/vault-credential-source.js';
import { SystemClock } from '../../../src/kernel/clock.js';
import { runSql } from '../../../src/dev/sql.js';
import { until } from '../../support/until.js';
import { clientAt, METADATA, sessionOf, startVaultWorld, type VaultWorld } from './vault-world.js';

let world: VaultWorld;
let source: VaultCredentialSource;
const { client, timings } = clientAt();
let stop: () => Promise<void>;

beforeAll(async () => {
  world = await startVaultWorld();
  const { session } = sessionOf(client, world.login);
  source = world.source(client, session);
  stop = async () => {
    await session.stop();
    await client.close();
    await world.stop();
  };
});

afterAll(() => stop());

const tokenFor = (credential: string, ttlSeconds = 600): Promise<LeaseToken> =>
  source.createLeaseToken({ credential, ttlSeconds, metadata: METADATA });

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.catch((thrown: unknown) => thrown);
  return error instanceof BrokerError ? error.code : 'none';
}

async function users(): Promise<readonly string[]> {
  const admin = new pg.Client({ connectionString: world.target.url });
  await admin.connect();
  try {
    const { rows } = await admin.query<{ rolname: string }>(
      'SELECT rolname FROM pg_roles r JOIN pg_auth_members m ON m.member = r.oid WHERE m.roleid = $1::regrole AND rolcanlogin',
      [world.target.readers],
    );
    return rows.map(({ rolname }) => rolname).filter((name) => name !== world.target.vaultAccount.username);
  } finally {
    await admin.end();
  }
}

interface Account {
  readonly username: string;
  readonly password: string;
}

const asAccount = (data: Secret<Readonly<Record<string, unknown>>>): Account =>
  data.expose() as unknown as Account;
const logIn = (account: Account): Promise<void> =>
  runSql(world.target.urlFor(account), 'SELECT item FROM orders');

describe('the token of a lease', () => {
  it('is refused for a credential that has no policy of ours, or another prefix', async () => {
    const other = new VaultCredentialSource(
      client,
      sessionOf(client, world.login).session,
      new SystemClock(),
      {
        ...world.names,
        policyPrefix: 'other-',
      },
      new VaultTroubles(new SystemClock()),
    );
    const options = { credential: 'database', ttlSeconds: 60, metadata: METADATA };
    expect(await codeOf(other.createLeaseToken(options))).toBe('vault_refused');
  });

  it('is revoked and refused when the role makes tokens that could not be trusted with a lease', async () => {
    const role = `auth/token/roles/${world.names.leaseTokenRole}`;
    try {
      await world.root.call('POST', role, { orphan: false });
      expect(await codeOf(tokenFor('kv'))).toBe('vault_refused');
      const { accessor } = await world.root.call('GET', 'auth/token/lookup-self');
      const there = await world.root.call('LIST', 'auth/token/accessors');
      const tokens = await Promise.all(
        (there['keys'] as string[])
          .filter((key) => key !== accessor)
          .map((key) =>
            world.root.call('POST', 'auth/token/lookup-accessor', { accessor: key }).catch(() => ({})),
          ),
      );
      const ours = tokens.filter((data) => JSON.stringify(data).includes(`${world.names.policyPrefix}kv`));
      expect(ours).toEqual([]);
      // What the request asks for holds where the role forgot to: no default policy, and an end.
      await world.root.call('POST', role, {
        orphan: true,
        token_no_default_policy: false,
        token_period: 86_400,
      });
      const { expiresAt } = await tokenFor('kv', 120);
      expect(expiresAt.getTime()).toBeLessThanOrEqual(Date.now() + 120_000);
    } finally {
      await world.root.call('POST', role, { orphan: true, token_no_default_policy: true, token_period: 0 });
    }
  });

  it('is an orphan with one policy, an end, and the names of run and step', async () => {
    const { token, accessor, expiresAt } = await tokenFor('kv', 120);
    const data = await world.root.call('POST', 'auth/token/lookup', { token: token.expose() });
    expect(data).toMatchObject({
      accessor,
      orphan: true,
      policies: [`${world.names.policyPrefix}kv`],
      meta: METADATA,
      explicit_max_ttl: 120,
      type: 'service',
    });
    expect(Math.abs(expiresAt.getTime() - Date.parse(data['expire_time'] as string))).toBeLessThan(1_500);
  });

  it('reads its own credential and nothing else', async () => {
    const { token } = await tokenFor('kv');
    expect(await codeOf(source.read(token, world.request('database')))).toBe('vault_denied');
    expect(await codeOf(source.read(token, { ...world.request('kv'), path: 'elsewhere' }))).toBe(
      'vault_denied',
    );
    const look = { operation: 'test', method: 'GET', path: 'auth/token/lookup-self', token } as const;
    expect(await codeOf(client.call(look))).toBe('vault_denied');
    expect(await codeOf(source.read(token, world.request('kv')))).toBe('none');
  });
});

describe('a look-up', () => {
  it('takes a missing right for no proof', async () => {
    const missing = await world.root
      .call('POST', 'auth/token/lookup-accessor', { accessor: 'nobody' })
      .catch(String);
    expect(missing).toContain('invalid accessor');
    const weak = sessionOf(client, world.login);
    await weak.session.start();
    const blind = world.source(client, weak.session);
    const policy = `sys/policies/acl/${world.input.brokerPolicy}`;
    const { policy: text } = await world.root.call('GET', policy);
    try {
      await world.root.call('POST', policy, {
        policy: 'path "auth/token/lookup-self" { capabilities = ["read"] }',
      });
      expect(await codeOf(blind.lookUpAccessor('nobody'))).toBe('vault_denied');
      expect(await codeOf(blind.lookUpLease(`database-${world.id}/creds/x/y`))).toBe('vault_denied');
      expect(await codeOf(blind.revokeAccessor('nobody'))).toBe('vault_denied');
    } finally {
      await world.root.call('POST', policy, { policy: text });
    }
    expect(await blind.lookUpAccessor('nobody')).toBe('gone');
    expect(await blind.lookUpLease(`database-${world.id}/creds/x/y`)).toBe('gone');
    await weak.session.stop();
  });

  it('of another mount’s lease is denied, so it is no proof either', async () => {
    expect(await codeOf(source.lookUpLease('elsewhere/creds/x/y'))).toBe('vault_denied');
    expect(await codeOf(source.revokeLease('elsewhere/creds/x/y'))).toBe('vault_denied');
  });

  it('is not answered by an empty name', async () => {
    expect(await codeOf(source.lookUpAccessor(''))).toBe('vault_refused');
    expect(await codeOf(source.lookUpLease(''))).not.toBe('none');
  });
});

describe('the database engine', () => {
  it('says when the role is missing, and leaves nothing', async () => {
    const role = `database-${world.id}/roles/orders-readonly`;
    const kept = await world.root.call('GET', role);
    await world.root.call('DELETE', role);
    const { token } = await tokenFor('database');
    expect(await codeOf(source.read(token, world.request('database')))).toBe('vault_role_missing');
    await world.root.call('POST', role, kept);
  });

  it('makes a user, renews it, and takes it away again with its sessions', async () => {
    const { token, accessor } = await tokenFor('database');
    const made = await source.read(token, world.request('database'));
    const account = asAccount(made.data);
    const leaseId = made.vaultLeaseId ?? '';
    expect(made).toMatchObject({ renewable: true, account: account.username });
    await logIn(account);
    expect(await users()).toContain(account.username);
    expect(await source.lookUpLease(leaseId)).toBe('present');
    expect(await source.lookUpAccessor(accessor)).toBe('present');
    const ids = await source.listLeases(`database-${world.id}`, 'database', 'orders-readonly');
    expect(ids).toContain(leaseId);

    const renewed = await source.renew(leaseId, 1_200);
    expect(renewed.getTime()).toBeGreaterThan((made.expiresAt?.getTime() ?? 0) + 200_000);
    // The role's maximum wins: what Vault answered is the truth.
    expect((await source.renew(leaseId, 90_000)).getTime()).toBeLessThanOrEqual(Date.now() + 3_600_000);

    await source.revokeLease(leaseId);
    expect(await users()).not.toContain(account.username);
    await expect(logIn(account)).rejects.toThrow(/authentication failed|does not exist/);
    expect(await source.lookUpLease(leaseId)).toBe('gone');
    await source.revokeAccessor(accessor);
    expect(await source.lookUpAccessor(accessor)).toBe('gone');
    // Again: what is gone is fine.
    await source.revokeLease(leaseId);
    await source.revokeAccessor(accessor);
    expect(await codeOf(source.renew(leaseId, 60))).toBe('vault_refused');
  });

  it('gives no user for longer than asked, and Vault itself knows', async () => {
    const { token, accessor } = await tokenFor('database');
    const made = await source.read(token, world.request('database', 120));
    expect(made.expiresAt?.getTime()).toBeLessThanOrEqual(Date.now() + 120_000);
    const { ttl } = await world.root.call('POST', 'sys/leases/lookup', { lease_id: made.vaultLeaseId });
    expect(ttl).toBeLessThanOrEqual(120);
    await source.revokeAccessor(accessor);
    await until(async () => !(await users()).includes(made.account ?? ''));
  });

  it('does not know a lease that could not be revoked as gone', async () => {
    const { token, accessor } = await tokenFor('database');
    const made = await source.read(token, world.request('database'));
    const role = `database-${world.id}/roles/orders-readonly`;
    const { revocation_statements: statements } = await world.root.call('GET', role);
    try {
      await world.root.call('POST', role, { revocation_statements: ['SELECT 1/0'] });
      expect(await codeOf(source.revokeLease(made.vaultLeaseId ?? ''))).toBe('vault_refused');
      expect(await source.lookUpLease(made.vaultLeaseId ?? '')).toBe('present');
    } finally {
      await world.root.call('POST', role, { revocation_statements: statements });
    }
    await source.revokeLease(made.vaultLeaseId ?? '');
    expect(await users()).not.toContain(made.account);
    await source.revokeAccessor(accessor);
  });

  it('wraps: nobody sees the user, who dies by the accessor', async () => {
    const { token, accessor } = await tokenFor('database');
    const before = await users();
    const wrapped = await source.readWrapped(token, world.request('database'), 60);
    expect(wrapped.wrapExpiresAt.getTime()).toBeLessThanOrEqual(Date.now() + 60_000);
    const [user] = (await users()).filter((name) => !before.includes(name));
    expect(user).toBeDefined();
    // The worker, with the wrapping token alone.
    const answer = (await client.call({
      operation: 'test',
      method: 'POST',
      path: 'sys/wrapping/unwrap',
      token: wrapped.wrappingToken,
    })) as { lease_id: string; data: Account };
    expect(answer.data.username).toBe(user);
    await logIn(answer.data);
    await source.revokeAccessor(accessor);
    await until(async () => (await source.lookUpLease(answer.lease_id)) === 'gone');
    expect(await users()).not.toContain(user);
    await expect(logIn(answer.data)).rejects.toThrow();
    expect(await source.lookUpAccessor(accessor)).toBe('gone');
  });

  it('wraps: what was never unwrapped dies by the accessors too', async () => {
    const { token, accessor } = await tokenFor('database');
    const before = await users();
    const wrapped = await source.readWrapped(token, world.request('database'), 60);
    const [user] = (await users()).filter((name) => !before.includes(name));
    // The user's lease, and not that of the wrapping token, which Vault files under the same path.
    expect(await source.listLeases(`database-${world.id}`, 'database', 'orders-readonly')).toHaveLength(1);
    await source.revokeAccessor(wrapped.wrappingAccessor);
    expect(await source.lookUpAccessor(wrapped.wrappingAccessor)).toBe('gone');
    await source.revokeAccessor(accessor);
    await until(async () => !(await users()).includes(user ?? ''));
    const left = await source.listLeases(`database-${world.id}`, 'database', 'orders-readonly');
    expect(left).toEqual([]);
  });
});

describe('the KV engine', () => {
  it('says when there is no secret, or no such version', async () => {
    const { token } = await tokenFor('kv');
    const request = { ...world.request('kv'), parameters: { version: 99 } };
    expect(await codeOf(source.read(token, request))).toBe('vault_role_missing');
    await world.root.call('DELETE', `kv-${world.id}/metadata/payments-api`);
    expect(await codeOf(source.read(token, world.request('kv')))).toBe('vault_role_missing');
    await world.root.call('POST', `kv-${world.id}/data/payments-api`, { data: { api_key: 'first' } });
    await world.root.call('POST', `kv-${world.id}/data/payments-api`, { data: { api_key: 'second' } });
  });

  it('reads the secret or one version of it, which has no end and no lease', async () => {
    const { token, accessor } = await tokenFor('kv');
    const made = await source.read(token, world.request('kv'));
    expect(made).toMatchObject({
      vaultLeaseId: undefined,
      expiresAt: undefined,
      renewable: false,
      account: undefined,
    });
    expect(made.data.expose()).toEqual({ api_key: 'second' });
    const first = await source.read(token, { ...world.request('kv'), parameters: { version: 1 } });
    expect(first.data.expose()).toEqual({ api_key: 'first' });
    expect(await source.listLeases(`kv-${world.id}`, 'kv', 'payments-api')).toEqual([]);
    const wrapped = await source.readWrapped(token, world.request('kv'), 30);
    const unwrap = { operation: 'test', method: 'POST', path: 'sys/wrapping/unwrap' } as const;
    const answer = await client.call({ ...unwrap, token: wrapped.wrappingToken });
    expect(answer).toMatchObject({ data: { data: { api_key: 'second' } } });
    await source.revokeAccessor(accessor);
    expect(await codeOf(source.read(token, world.request('kv')))).toBe('vault_denied');
  });
});

describe('the PKI engine', () => {
  it('says when the role does not allow the name', async () => {
    const { token } = await tokenFor('pki');
    const request = { ...world.request('pki'), parameters: { common_name: 'elsewhere.example.org' } };
    expect(await codeOf(source.read(token, request))).toBe('vault_refused');
  });

  it('takes only the parameters that name the certificate', async () => {
    const { token } = await tokenFor('pki');
    const parameters = { common_name: 'worker.internal.example', ttl: '8000h', exclude_cn_from_sans: true };
    const made = await source.read(token, { ...world.request('pki', 300), parameters });
    expect(made.expiresAt?.getTime()).toBeLessThanOrEqual(Date.now() + 301_000);
  });

  it('issues a certificate that is revoked with its lease', async () => {
    const { token, accessor } = await tokenFor('pki');
    const made = await source.read(token, world.request('pki', 300));
    const leaseId = made.vaultLeaseId ?? '';
    expect(made).toMatchObject({ renewable: false, account: made.data.expose()['serial_number'] });
    expect(made.expiresAt?.getTime()).toBeLessThanOrEqual(Date.now() + 301_000);
    expect(await source.lookUpLease(leaseId)).toBe('present');
    expect(await source.listLeases(`pki-${world.id}`, 'pki', 'internal-tls')).toContain(leaseId);
    expect(await codeOf(source.renew(leaseId, 60))).toBe('vault_refused');
    await source.revokeLease(leaseId);
    expect(await source.lookUpLease(leaseId)).toBe('gone');
    const { revocation_time: revokedAt } = await world.root.call(
      'GET',
      `pki-${world.id}/cert/${made.account}`,
    );
    expect(revokedAt).toBeGreaterThan(0);
    await source.revokeAccessor(accessor);
  });

  it('issues without a lease where the role has none', async () => {
    await world.root.call('POST', `pki-${world.id}/roles/internal-tls`, {
      allowed_domains: ['internal.example'],
      allow_subdomains: true,
      key_type: 'ec',
      key_bits: 256,
      generate_lease: false,
    });
    const { token } = await tokenFor('pki');
    const made = await source.read(token, world.request('pki', 300));
    expect(made.vaultLeaseId).toBeUndefined();
    expect(made.expiresAt?.getTime()).toBeLessThanOrEqual(Date.now() + 301_000);
  });
});

it('times each operation under a name without a path', () => {
  const operations = [...new Set(timings.calls.map(({ operation }) => operation))];
  expect(operations).toEqual(
    expect.arrayContaining(['create_token', 'read_database', 'wrap_kv', 'revoke_lease', 'login']),
  );
  for (const operation of operations) expect(operation).toMatch(/^[a-z_]+$/);
  expect(timings.calls.every(({ seconds }) => seconds > 0 && seconds < 30)).toBe(true);
  expect(timings.calls.some(({ outcome }) => outcome === 'vault_denied')).toBe(true);
});
