import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../../src/kernel/secret.js';
import type { CredentialSource } from '../../../src/lease/credential-source.js';
import type { VaultClient } from '../../../src/vault/vault-client.js';
import type { VaultSession } from '../../../src/vault/vault-session.js';
import type { RecordingLog } from './recording-log.js';
import { clientAt, METADATA, sessionOf, startVaultWorld, type VaultWorld } from './vault-world.js';

const MARKER = 'marker-Value-7731';

let world: VaultWorld;
let client: VaultClient;
let session: VaultSession;
let source: CredentialSource;
let log: RecordingLog;
const secrets: string[] = [];

beforeAll(async () => {
  world = await startVaultWorld();
  await world.root.call('POST', `kv-${world.id}/data/payments-api`, { data: { api_key: MARKER } });
  ({ client } = clientAt());
  ({ session, log } = sessionOf(client, world.login));
  source = world.source(client, session);
  secrets.push(MARKER, world.login.secretId?.expose() ?? '', world.root.token);
  await session.use((token) => Promise.resolve(secrets.push(token.expose())));
});

afterAll(async () => {
  await session.stop();
  await client.close();
  await world.stop();
});

/** Everything that a log, a problem or a person at a debugger would see of a value. */
function shown(value: unknown): string {
  const parts = [inspect(value, { depth: 20, showHidden: true }), JSON.stringify(value) ?? '', String(value)];
  if (value instanceof Error) parts.push(value.stack ?? '', JSON.stringify({ ...value }), shown(value.cause));
  return parts.join('\n');
}

function expectClean(text: string): void {
  for (const secret of secrets) expect(text.includes(secret) ? secret.slice(0, 6) : '').toBe('');
}

describe('no secret leaves by accident', () => {
  it('in what the port answers', async () => {
    const lease = await source.createLeaseToken({ credential: 'kv', ttlSeconds: 60, metadata: METADATA });
    secrets.push(lease.token.expose());
    const read = await source.read(lease.token, world.request('kv'));
    const wrapped = await source.readWrapped(lease.token, world.request('kv'), 30);
    secrets.push(wrapped.wrappingToken.expose());
    const other = await source.createLeaseToken({
      credential: 'database',
      ttlSeconds: 60,
      metadata: METADATA,
    });
    const user = await source.read(other.token, world.request('database'));
    secrets.push(other.token.expose(), String(user.data.expose()['password']));
    for (const value of [lease, read, wrapped, other, user]) expectClean(shown(value));
    await source.revokeAccessor(other.accessor);
  });

  it('in errors, whatever fails', async () => {
    const lease = await source.createLeaseToken({ credential: 'kv', ttlSeconds: 60, metadata: METADATA });
    secrets.push(lease.token.expose());
    const unwanted = Secret.of(`hvs.${MARKER}`);
    const failures = [
      () => source.read(lease.token, world.request('database')),
      () => source.read(unwanted, world.request('kv')),
      () => source.readWrapped(lease.token, world.request('pki'), 30),
      () => source.read(lease.token, { ...world.request('kv'), path: `../${MARKER}` }),
      () => source.renew(MARKER, 10),
      () => source.lookUpLease(`elsewhere/${MARKER}`),
      () => source.lookUpAccessor(''),
      () =>
        client.call({
          operation: 'test',
          method: 'POST',
          path: 'auth/token/lookup',
          token: lease.token,
          body: { token: Secret.of(MARKER) },
        }),
      () =>
        client.call({
          operation: 'test',
          method: 'POST',
          path: `auth/${world.login.mount}/login`,
          body: { role_id: 'nobody', secret_id: Secret.of(MARKER) },
        }),
    ];
    for (const failure of failures) {
      const error: unknown = await failure().then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(Error);
      expectClean(shown(error));
    }
  });

  it('from a target whose own error repeats the password', async () => {
    const role = `database-${world.id}/roles/orders-readonly`;
    const { creation_statements: statements } = await world.root.call('GET', role);
    const lease = await source.createLeaseToken({
      credential: 'database',
      ttlSeconds: 60,
      metadata: METADATA,
    });
    secrets.push(lease.token.expose());
    try {
      await world.root.call('POST', role, {
        creation_statements: [
          `DO $$ BEGIN RAISE EXCEPTION 'no user with password {{password}} today'; END $$`,
        ],
      });
      const error: unknown = await source
        .read(lease.token, world.request('database'))
        .catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'vault_refused', httpStatus: 500 });
      expect(shown(error)).toContain('no user with password');
      expect(shown(error)).not.toMatch(/password [A-Za-z0-9]{4}/);
      expectClean(shown(error));
    } finally {
      await world.root.call('POST', role, { creation_statements: statements });
    }
  });

  it('in client, session and source as a debugger shows them, and in the log', async () => {
    const accessor = await session.use(async (token) => {
      const look = { operation: 'test', method: 'GET', path: 'auth/token/lookup-self', token } as const;
      return ((await client.call(look)) as { data: { accessor: string } }).data.accessor;
    });
    await world.root.call('POST', 'auth/token/revoke-accessor', { accessor });
    await source.createLeaseToken({ credential: 'kv', ttlSeconds: 60, metadata: METADATA });
    await session.use((token) => Promise.resolve(secrets.push(token.expose())));
    for (const value of [client, session, source]) expectClean(shown(value));
    expect(log.lines.length).toBeGreaterThan(2);
    expectClean(log.lines.join('\n'));
  });
});
