import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hasCode } from '../../../src/kernel/broker-error.js';
import { Secret } from '../../../src/kernel/secret.js';
import type { VaultClient } from '../../../src/vault/vault-client.js';
import { SystemClock } from '../../../src/kernel/clock.js';
import { VaultHealth } from '../../../src/vault/vault-health.js';
import type { VaultLogin } from '../../../src/vault/vault-login.js';
import { DEV_AUDIENCE } from '../../../src/dev/issuer-names.js';
import { apply } from '../../../src/vault/bootstrap/apply.js';
import { issuerParts, vaultParts } from '../../support/parts.js';
import { until } from '../../support/until.js';
import { startSlowProxy } from './slow-proxy.js';
import { clientAt, METADATA, sessionOf, startVaultWorld, type VaultWorld } from './vault-world.js';

let world: VaultWorld;
let folder: string;
const ends: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  [world, folder] = await Promise.all([startVaultWorld(), mkdtemp(join(tmpdir(), 'leasegate-'))]);
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
afterAll(async () => {
  await world.stop();
  await rm(folder, { recursive: true });
});

function parts(login: VaultLogin = world.login, address?: string, timeoutMs?: number) {
  const { client, timings } = clientAt(address, timeoutMs === undefined ? {} : { timeoutMs });
  const made = sessionOf(client, login);
  ends.push(
    () => client.close(),
    () => made.session.stop(),
  );
  return { client, timings, ...made, source: world.source(client, made.session) };
}

async function newSecretId(): Promise<string> {
  const { secretId } = await apply(world.operator, world.input, { newSecretId: true });
  return secretId?.expose() ?? '';
}

const ask = (client: VaultClient) => async (token: Secret) =>
  client.call({ operation: 'test', method: 'GET', path: 'auth/token/lookup-self', token });

const accessorOf = (answer: unknown): string => (answer as { data: { accessor: string } }).data.accessor;

/** Fields of the AppRole role for the length of one piece of work. */
async function withRole(fields: object, work: () => Promise<void>): Promise<void> {
  const role = `auth/${world.input.approle.mount}/role/${world.input.approle.role}`;
  await world.root.call('POST', role, { ...fields });
  try {
    await work();
  } finally {
    await world.root.call('POST', role, { token_ttl: 3_600, token_max_ttl: 86_400 });
  }
}

describe('a login that is refused', () => {
  it.each([
    ['a wrong secret id', () => ({ ...world.login, secretId: Secret.of('wrong-secret-id-marker') })],
    ['a wrong role id', () => ({ ...world.login, roleId: 'nobody' })],
    ['a mount that is not there', () => ({ ...world.login, mount: 'nowhere' })],
    ['a file that is not there', () => fileLogin(join(folder, 'missing'))],
  ])('because of %s is vault_denied, tried again, and tells no secret', async (_why, login) => {
    const { session, timers, log, client, timings } = parts(login());
    await session.start();
    const error: unknown = await session.use(ask(client)).catch((thrown: unknown) => thrown);
    expect(hasCode(error, 'vault_denied')).toBe(true);
    expect(session.state()).toMatchObject({ loggedIn: false, lastError: { code: 'vault_denied' } });
    expect(timers.pendingMs).toBeGreaterThanOrEqual(500);
    // The request did not try again: Vault locks out who does.
    expect(timings.count('login')).toBeLessThanOrEqual(1);
    expect(log.lines.join('')).not.toContain('wrong-secret-id-marker');
    const health = await new VaultHealth(client, session, new SystemClock()).check();
    expect(health).toMatchObject({ ok: false, state: 'login_refused' });
  });

  it('works as soon as the file is right, and reads it at each login', async () => {
    const path = join(folder, 'secret-id');
    await writeFile(path, 'not-yet-there');
    const { session, timers, client } = parts(fileLogin(path));
    await session.start();
    await writeFile(path, `${await newSecretId()}\n`);
    timers.fire();
    await until(() => session.state().loggedIn);
    const first = accessorOf(await session.use(ask(client)));
    await world.root.call('POST', 'auth/token/revoke-accessor', { accessor: first });
    await writeFile(path, await newSecretId());
    expect(accessorOf(await session.use(ask(client)))).not.toBe(first);
  });
});

function fileLogin(secretIdFile: string): VaultLogin {
  return { method: 'approle', mount: world.login.mount, roleId: world.login.roleId, secretIdFile };
}

describe('a token that is lost', () => {
  it('is replaced under load, once, without a request that fails', async () => {
    const { session, client, timings } = parts();
    await session.start();
    let running = true;
    const failed: unknown[] = [];
    let done = 0;
    const worker = async (): Promise<void> => {
      while (running) {
        await session.use(ask(client)).then(
          () => (done += 1),
          (error: unknown) => failed.push(error),
        );
      }
    };
    const load = Promise.all(Array.from({ length: 24 }, worker));
    const rounds = 5;
    for (let round = 1; round <= rounds; round += 1) {
      const before = accessorOf(await session.use(ask(client)));
      await world.root.call('POST', 'auth/token/revoke-accessor', { accessor: before });
      await until(async () => accessorOf(await session.use(ask(client))) !== before);
      const soFar = done;
      await until(() => done > soFar + 100);
    }
    running = false;
    await load;
    expect(failed).toEqual([]);
    expect(timings.count('login')).toBe(1 + rounds);
    expect(timings.count('lookup_self', 'vault_denied')).toBe(rounds);
  });

  it('is told from a right that is missing: one look, no login, the denial goes to the caller', async () => {
    const { session, client, timings } = parts();
    await session.start();
    const denied = { operation: 'test', method: 'GET', path: 'sys/mounts' } as const;
    const all = await Promise.allSettled(
      Array.from({ length: 10 }, () => session.use((token) => client.call({ ...denied, token }))),
    );
    expect(all.every((one) => one.status === 'rejected' && hasCode(one.reason, 'vault_denied'))).toBe(true);
    expect(timings.count('login')).toBe(1);
    expect(timings.count('test')).toBe(10);
  });

  it('is tried once again and no more', async () => {
    const { session, client, timings } = parts();
    await session.start();
    const lose = async (token: Secret): Promise<never> => {
      await client.call({ operation: 'lose', method: 'POST', path: 'auth/token/revoke-self', token });
      return (await ask(client)(token)) as never;
    };
    await expect(session.use(lose)).rejects.toMatchObject({ code: 'vault_denied' });
    expect(timings.count('lose')).toBe(2);
    expect(await session.use(ask(client))).toBeDefined();
  });

  it('fails with the login’s failure when there is no new one', async () => {
    const path = join(folder, 'withdrawn');
    await writeFile(path, await newSecretId());
    const { session, client } = parts(fileLogin(path));
    const accessor = accessorOf(await session.use(ask(client)));
    await writeFile(path, 'withdrawn-secret-id');
    await world.root.call('POST', 'auth/token/revoke-accessor', { accessor });
    await expect(session.use(ask(client))).rejects.toMatchObject({
      code: 'vault_denied',
      operation: 'login',
    });
  });

  it('that has simply expired is never sent again', async () => {
    await withRole({ token_ttl: 1, token_max_ttl: 1 }, async () => {
      const { session, client, timings } = parts();
      await session.start();
      await until(() => !session.state().loggedIn);
      // The next one must not expire on its way.
      await withRole({ token_ttl: 3_600, token_max_ttl: 3_600 }, async () => {
        expect(await session.use(ask(client))).toBeDefined();
      });
      expect(timings.count('test', 'vault_denied')).toBe(0);
      expect(timings.count('login')).toBe(2);
    });
  });
});

describe('upkeep', () => {
  it('renews at half life and keeps the token', async () => {
    const { session, timers, client, timings } = parts();
    await session.start();
    expect(timers.pendingMs).toBeGreaterThan(1_790_000);
    expect(timers.pendingMs).toBeLessThanOrEqual(1_800_000);
    const before = accessorOf(await session.use(ask(client)));
    timers.fire();
    await until(() => timers.pendingMs);
    expect(timings.count('renew_self', 'ok')).toBe(1);
    expect(accessorOf(await session.use(ask(client)))).toBe(before);
    expect(timers.pendingMs).toBeGreaterThan(1_790_000);
  });

  it('logs in again when the token nears its own maximum; what is on the way with the old one works', async () => {
    await withRole({ token_ttl: 3_600, token_max_ttl: 3_600 }, async () => {
      const { session, timers, client, timings } = parts();
      await session.start();
      let go = (): void => undefined;
      const gate = new Promise<void>((resolve) => (go = resolve));
      const slow = session.use(async (token) => {
        await gate;
        return ask(client)(token);
      });
      const before = accessorOf(await session.use(ask(client)));
      await withRole({ token_ttl: 60, token_max_ttl: 60 }, async () => {
        timers.fire();
        await until(() => timings.count('login') === 2 && timers.pendingMs);
      });
      expect(accessorOf(await session.use(ask(client)))).not.toBe(before);
      go();
      expect(accessorOf(await slow)).toBe(before);
    });
  });

  it('logs in again when the renewal is denied', async () => {
    const { session, timers, client, timings } = parts();
    await session.start();
    const before = accessorOf(await session.use(ask(client)));
    await world.root.call('POST', 'auth/token/revoke-accessor', { accessor: before });
    timers.fire();
    await until(() => timings.count('login') === 2 && timers.pendingMs);
    expect(accessorOf(await session.use(ask(client)))).not.toBe(before);
    expect(timings.count('test', 'vault_denied')).toBe(0);
  });

  it('waits and tries again while Vault is cut off, and uses the token that it has', async () => {
    const proxy = await startSlowProxy(vaultParts().address);
    ends.push(() => proxy.stop());
    const { session, timers, client, timings } = parts(world.login, proxy.address);
    await session.start();
    proxy.cutOff(true);
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      timers.fire();
      await until(() => timings.count('renew_self', 'vault_unavailable') === attempt && timers.pendingMs);
      expect(timers.pendingMs).toBeLessThanOrEqual(15_000);
      expect(session.state().loggedIn).toBe(true);
    }
    proxy.cutOff(false);
    expect(await session.use(ask(client))).toBeDefined();
    timers.fire();
    await until(() => timings.count('renew_self', 'ok') === 1 && timers.pendingMs);
    expect(session.state().lastError).toBeUndefined();
    expect(timings.count('login')).toBe(1);
  });
});

describe('a start', () => {
  it('without Vault does not fail, and the first request after Vault is back is served', async () => {
    const proxy = await startSlowProxy(vaultParts().address);
    ends.push(() => proxy.stop());
    proxy.cutOff(true);
    const { session, client, timings } = parts(world.login, proxy.address);
    await session.start();
    await expect(session.use(ask(client))).rejects.toMatchObject({ code: 'vault_unavailable' });
    proxy.cutOff(false);
    const all = await until(() => Promise.all(Array.from({ length: 20 }, () => session.use(ask(client)))));
    expect(new Set(all.map(accessorOf)).size).toBe(1);
    expect(timings.count('login', 'ok')).toBe(1);
  });

  it('by JWT reads the platform’s file at each login', async () => {
    const issuer = issuerParts();
    const mount = `jwt-${world.id}`;
    const jwksUrl = (
      (await (await fetch(`${issuer.url}/.well-known/openid-configuration`)).json()) as { jwks_uri: string }
    ).jwks_uri;
    await apply(world.operator, {
      ...world.input,
      jwt: { mount, boundAudience: DEV_AUDIENCE, boundSubject: 'broker', keys: { jwksUrl } },
    });
    ends.push(() => world.root.call('DELETE', `sys/auth/${mount}`));
    const tokenFile = join(folder, 'jwt');
    await writeFile(tokenFile, await issuer.token({ sub: 'somebody-else' }));
    const { session, client, timers, source } = parts({ method: 'jwt', mount, role: 'leasegate', tokenFile });
    await session.start();
    expect(session.state()).toMatchObject({ loggedIn: false, lastError: { code: 'vault_denied' } });
    await writeFile(tokenFile, await issuer.token({ sub: 'broker' }));
    timers.fire();
    await until(() => session.state().loggedIn);
    expect(await session.use(ask(client))).toBeDefined();
    const made = await source.createLeaseToken({ credential: 'kv', ttlSeconds: 60, metadata: METADATA });
    await source.revokeAccessor(made.accessor);
  });
});

describe('a stop', () => {
  it('gives the token back, ends the upkeep and serves nobody after', async () => {
    const { session, client, timers } = parts();
    await session.start();
    const accessor = accessorOf(await session.use(ask(client)));
    await session.stop();
    await session.stop();
    expect(timers.pendingMs).toBeUndefined();
    await expect(session.use(ask(client))).rejects.toMatchObject({ code: 'shutting_down' });
    const gone = await world.root.call('POST', 'auth/token/lookup-accessor', { accessor }).catch(String);
    expect(gone).toContain('invalid accessor');
  });

  it('takes back what a login under way brings', async () => {
    const proxy = await startSlowProxy(vaultParts().address);
    ends.push(() => proxy.stop());
    proxy.delayMs = 100;
    const { session, timers, timings } = parts(world.login, proxy.address);
    const starting = session.start();
    await session.stop();
    await starting;
    expect(timings.count('revoke_self', 'ok')).toBe(timings.count('login', 'ok'));
    expect(timers.pendingMs).toBeUndefined();
  });

  it('does not wait for a Vault that is gone', async () => {
    const proxy = await startSlowProxy(vaultParts().address);
    ends.push(() => proxy.stop());
    const { session } = parts(world.login, proxy.address, 200);
    await session.start();
    proxy.cutOff(true);
    await session.stop();
    expect(session.state().loggedIn).toBe(false);
  });
});
