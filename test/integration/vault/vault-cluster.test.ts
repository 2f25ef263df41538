import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Reaper } from '../../../src/dev/reaper.js';
import { startVaultPair, unseal, type VaultPair } from '../../../src/dev/vault-nodes.js';
import { VaultOperator } from '../../../src/dev/vault-operator.js';
import { findVault } from '../../../src/dev/vault-source.js';
import { SystemClock } from '../../../src/kernel/clock.js';
import { Secret } from '../../../src/kernel/secret.js';
import type { VaultClient } from '../../../src/vault/vault-client.js';
import { VaultHealth, type VaultHealthReport } from '../../../src/vault/vault-health.js';
import type { VaultLogin } from '../../../src/vault/vault-login.js';
import type { VaultSession } from '../../../src/vault/vault-session.js';
import { until } from '../../support/until.js';
import { clientAt, sessionOf } from './vault-world.js';

/** Two nodes of one cluster, of this file's own. */
const reaper = new Reaper();
const ends: (() => Promise<unknown>)[] = [];
const SLOW = { deadlineMs: 90_000 };
let pair: VaultPair;
let login: VaultLogin;
let strict: Server;
let strictAddress: string;

beforeAll(async () => {
  pair = await startVaultPair(reaper, await findVault(reaper, () => undefined));
  const { operator } = pair;
  await until(() => operator.call('POST', 'sys/auth/approle', { type: 'approle' }).then(() => true), SLOW);
  await operator.call('POST', 'auth/approle/role/broker', { token_ttl: 600 });
  const { role_id: roleId } = await operator.call('GET', 'auth/approle/role/broker/role-id');
  const { secret_id: secretId } = await operator.call('POST', 'auth/approle/role/broker/secret-id');
  login = {
    method: 'approle',
    mount: 'approle',
    roleId: String(roleId),
    secretId: Secret.of(String(secretId)),
  };
  [strict, strictAddress] = await notForwarded(pair.nodes[1].address);
}, 240_000);

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

afterAll(async () => {
  strict.closeAllConnections();
  await new Promise((resolve) => strict.close(resolve));
  await Promise.all(pair.nodes.map(({ child }) => child.stop('SIGKILL')));
  await reaper.close();
});

/** A proxy that has a standby answer as one does that cannot forward: by a redirect to the active node. */
async function notForwarded(to: string): Promise<[Server, string]> {
  const server = createServer((request, response) => {
    const headers = { ...request.headers, 'x-vault-no-request-forwarding': 'true' };
    const passed = httpRequest(`${to}${request.url ?? ''}`, { method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    passed.on('error', () => response.destroy());
    request.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return [server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`];
}

interface Parts {
  readonly client: VaultClient;
  readonly session: VaultSession;
  readonly health: () => Promise<VaultHealthReport>;
  readonly ask: () => Promise<unknown>;
}

function parts(address: string, redirectAddresses: readonly string[] = []): Parts {
  const { client } = clientAt(address, { redirectAddresses });
  const { session } = sessionOf(client, login);
  const health = new VaultHealth(client, session, new SystemClock());
  ends.push(
    () => client.close(),
    () => session.stop(),
  );
  const call = { operation: 'test', method: 'GET', path: 'auth/token/lookup-self' } as const;
  return {
    client,
    session,
    health: () => health.check(),
    ask: () => session.use((token) => client.call({ ...call, token })),
  };
}

describe('a standby', () => {
  it('that sends us to an address that the settings do not name is refused by name', async () => {
    const { health, session, ask } = parts(strictAddress);
    await session.start();
    await expect(ask()).rejects.toMatchObject({ code: 'vault_unavailable', fault: 'redirect_refused' });
    const report = await health();
    expect(report).toMatchObject({ ok: false, state: 'redirect_refused' });
    expect(report.advice).toContain('vault.redirectAddresses');
    expect(JSON.stringify(report)).not.toContain('127.0.0.1');
  });

  it('that sends us to one that they name is followed, with token and body', async () => {
    const { health, ask } = parts(strictAddress, [pair.nodes[0].address]);
    expect(await ask()).toMatchObject({ data: { path: 'auth/approle/login' } });
    expect(await health()).toMatchObject({ ok: true, state: 'ready' });
  });

  it('that forwards is as good as the active node', async () => {
    const { health, ask } = parts(pair.nodes[1].address);
    await until(() => ask().then(() => true), SLOW);
    expect(await health()).toMatchObject({ ok: true, state: 'ready' });
  });
});

describe('a cluster', () => {
  it('whose active node stepped down has no leader for a while, and is used again after', async () => {
    const { health, ask } = parts(pair.nodes[0].address);
    await ask();
    await pair.operator.call('PUT', 'sys/step-down');
    const without = await until(async () => {
      const report = await health();
      return report.state === 'no_leader' ? report : undefined;
    }, SLOW);
    expect(without.advice).not.toBe('');
    const failure: unknown = await ask().catch((error: unknown) => error);
    // Elected meanwhile is fine too; what it must not be is a refusal or a missing right.
    if (failure instanceof Error) expect(failure).toMatchObject({ code: 'vault_unavailable' });
    await until(async () => (await health()).ok, SLOW);
    await until(() => ask().then(() => true), SLOW);
  }, 200_000);

  it('that was sealed says so, and is used again when it is unsealed', async () => {
    const [first, second] = pair.nodes;
    const { health, ask } = parts(first.address);
    await until(() => ask().then(() => true), SLOW);
    // By the API only the active node can be sealed; one that was restarted is sealed too.
    const sealed = await until(async () => {
      for (const { address } of [first, second])
        await new VaultOperator(address, pair.operator.token).call('PUT', 'sys/seal').catch(() => undefined);
      const report = await health();
      return report.state === 'sealed' ? report : undefined;
    }, SLOW);
    expect(sealed.advice).toBe('unseal Vault');
    await expect(ask()).rejects.toMatchObject({ code: 'vault_sealed', fault: 'sealed' });
    for (const node of [first, second]) await unseal(node, pair.unsealKey);
    await until(async () => (await health()).ok, SLOW);
    await until(() => ask().then(() => true), SLOW);
  }, 200_000);

  it('that is gone cannot be reached', async () => {
    const [first] = pair.nodes;
    const { health, ask } = parts(first.address);
    await until(() => ask().then(() => true), SLOW);
    await first.child.stop('SIGKILL');
    expect(await health()).toMatchObject({ ok: false, state: 'unreachable' });
    await expect(ask()).rejects.toMatchObject({ code: 'vault_unavailable', fault: 'unreachable' });
  }, 200_000);
});
