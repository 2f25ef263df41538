import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Reaper } from '../../../src/dev/reaper.js';
import { startVault, type DevVault } from '../../../src/dev/vault-server.js';
import { findVault } from '../../../src/dev/vault-source.js';
import type { CredentialSource, LeaseToken } from '../../../src/lease/credential-source.js';
import { SystemClock } from '../../../src/kernel/clock.js';
import { VaultHealth } from '../../../src/vault/vault-health.js';
import type { VaultClient } from '../../../src/vault/vault-client.js';
import type { VaultSession } from '../../../src/vault/vault-session.js';
import { until } from '../../support/until.js';
import { startSlowProxy, type SlowProxy } from './slow-proxy.js';
import { clientAt, METADATA, sessionOf, startVaultWorld, type VaultWorld } from './vault-world.js';

/** Faults on a server of this file's own, so that sealing it disturbs nobody. */
const reaper = new Reaper();
let vault: DevVault;
let world: VaultWorld;
let proxy: SlowProxy;
let client: VaultClient;
/** One that waits for less than the proxy holds back, and for less than a busy machine may need. */
let hurried: VaultClient;
let session: VaultSession;
let source: CredentialSource;
let hurriedSource: CredentialSource;
let lease: LeaseToken;
let leaseId: string;

beforeAll(async () => {
  vault = await startVault(reaper, await findVault(reaper, () => undefined));
  world = await startVaultWorld(vault);
  proxy = await startSlowProxy(vault.address);
  ({ client } = clientAt(proxy.address));
  ({ client: hurried } = clientAt(proxy.address, { timeoutMs: 400 }));
  ({ session } = sessionOf(client, world.login));
  source = world.source(client, session);
  hurriedSource = world.source(hurried, session);
  lease = await source.createLeaseToken({ credential: 'database', ttlSeconds: 600, metadata: METADATA });
  leaseId = (await source.read(lease.token, world.request('database'))).vaultLeaseId ?? '';
});

afterEach(() => {
  proxy.delayMs = 0;
  proxy.cutOff(false);
});

afterAll(async () => {
  await session.stop();
  await client.close();
  await hurried.close();
  // Sealed by now: the engines go with the server.
  await world.target.drop();
  await proxy.stop();
  await vault.stop();
  await reaper.close();
});

/** Every operation of the port. */
const operations: [string, (source: CredentialSource) => Promise<unknown>][] = [
  [
    'createLeaseToken',
    (source) => source.createLeaseToken({ credential: 'kv', ttlSeconds: 60, metadata: METADATA }),
  ],
  ['read', (source) => source.read(lease.token, world.request('database'))],
  ['readWrapped', (source) => source.readWrapped(lease.token, world.request('database'), 60)],
  ['renew', (source) => source.renew(leaseId, 60)],
  ['lookUpLease', (source) => source.lookUpLease(leaseId)],
  ['lookUpAccessor', (source) => source.lookUpAccessor(lease.accessor)],
  ['listLeases', (source) => source.listLeases(`database-${world.id}`, 'database', 'orders-readonly')],
  ['revokeLease', (source) => source.revokeLease(leaseId)],
  ['revokeAccessor', (source) => source.revokeAccessor(lease.accessor)],
];

describe.each(operations)('%s', (_name, operation) => {
  it('is vault_unavailable while Vault is cut off', async () => {
    proxy.cutOff(true);
    await expect(operation(source)).rejects.toMatchObject({ code: 'vault_unavailable' });
    expect(await new VaultHealth(client, session, new SystemClock()).check()).toMatchObject({
      ok: false,
      state: 'unreachable',
    });
  });

  it('is vault_unavailable at its deadline while Vault is slow', async () => {
    proxy.delayMs = 5_000;
    const started = performance.now();
    await expect(operation(hurriedSource)).rejects.toMatchObject({ code: 'vault_unavailable' });
    expect(performance.now() - started).toBeLessThan(2_500);
  });
});

it('a Vault that is a little slow is only slow', async () => {
  proxy.delayMs = 100;
  expect(await source.lookUpLease(leaseId)).toBeDefined();
  expect(await new VaultHealth(client, session, new SystemClock()).check()).toMatchObject({
    ok: true,
    state: 'ready',
  });
});

it('what was asked of a Vault that answered too late can still be ended by its accessor', async () => {
  const late = await source.createLeaseToken({ credential: 'database', ttlSeconds: 600, metadata: METADATA });
  proxy.delayMs = 5_000;
  await expect(hurriedSource.read(late.token, world.request('database'))).rejects.toMatchObject({
    code: 'vault_unavailable',
  });
  proxy.delayMs = 0;
  const mount = `database-${world.id}`;
  await until(async () => (await source.listLeases(mount, 'database', 'orders-readonly')).length > 0);
  await source.revokeAccessor(late.accessor);
  await source.revokeAccessor(lease.accessor);
  await until(async () => (await source.listLeases(mount, 'database', 'orders-readonly')).length === 0);
});

// Last: a server in dev mode is unsealed with a key that only it had.
it.each(operations)('%s is vault_sealed when Vault is sealed', async (_name, operation) => {
  await world.root.call('POST', 'sys/seal').catch(() => undefined);
  await expect(operation(source)).rejects.toMatchObject({ code: 'vault_sealed' });
  expect(await new VaultHealth(client, session, new SystemClock()).check()).toMatchObject({
    ok: false,
    state: 'sealed',
  });
});
