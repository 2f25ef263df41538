import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Reaper } from '../../../src/dev/reaper.js';
import { startVaultNode, type VaultNode } from '../../../src/dev/vault-nodes.js';
import { findVault } from '../../../src/dev/vault-source.js';
import { SystemClock } from '../../../src/kernel/clock.js';
import { VaultClient } from '../../../src/vault/vault-client.js';
import { VaultHealth, type VaultHealthReport } from '../../../src/vault/vault-health.js';
import { NoTimings } from '../../../src/vault/vault-timings.js';
import { TestCa } from '../../support/certificates.js';
import { sessionOf, ids } from './vault-world.js';

/** A server that wants a client certificate. It is not initialised: `uninitialised` is what it says once TLS is right. */
const reaper = new Reaper();
const authority = new TestCa('vault authority');
const clients = new TestCa('client authority');
const day = 86_400_000;
let folder: string;
let node: VaultNode;
const file = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'leasegate-'));
  const server = authority.issue({ names: ['127.0.0.1'] });
  const own = clients.issue({ names: ['broker.internal.example'] });
  const stranger = new TestCa('somebody').issue({ names: ['broker.internal.example'] });
  const old = clients.issue({
    names: ['broker.internal.example'],
    notBefore: new Date(Date.now() - 2 * day),
    notAfter: new Date(Date.now() - day),
  });
  const files = {
    ca: authority.cert,
    clients: clients.cert,
    'server.crt': server.cert,
    'server.key': server.key,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(file(name), text);
  for (const [name, pair] of Object.entries({ own, stranger, old })) {
    await writeFile(file(`${name}.crt`), pair.cert);
    await writeFile(file(`${name}.key`), pair.key);
  }
  const tls = { certFile: file('server.crt'), keyFile: file('server.key'), clientCaFile: file('clients') };
  node = await startVaultNode(reaper, await findVault(reaper, () => undefined), tls);
}, 240_000);

afterAll(async () => {
  await node.child.stop('SIGKILL');
  await rm(folder, { recursive: true });
  await reaper.close();
});

function clientWith(certificate: string | undefined, caFile: string | undefined = file('ca')): VaultClient {
  const pair =
    certificate === undefined
      ? {}
      : { clientCertFile: file(`${certificate}.crt`), clientKeyFile: file(`${certificate}.key`) };
  const options = { address: node.address, redirectAddresses: [], namespace: undefined, timeoutMs: 10_000 };
  return new VaultClient({ ...options, connections: 1, caFile, ...pair }, new SystemClock(), new NoTimings());
}

async function healthOf(client: VaultClient): Promise<VaultHealthReport> {
  const login = { method: 'approle', mount: 'approle', roleId: ids.uuid() } as const;
  return new VaultHealth(client, sessionOf(client, login).session, new SystemClock()).check();
}

async function stateWith(certificate: string | undefined, caFile?: string): Promise<string> {
  const client = clientWith(certificate, caFile);
  try {
    const { state, detail } = await healthOf(client);
    return `${state}: ${detail}`;
  } finally {
    await client.close();
  }
}

describe('a listener that wants a client certificate', () => {
  it('refuses us by name without one, with an expired one, and with one of another CA', async () => {
    expect(await stateWith(undefined)).toMatch(/^client_certificate_refused/);
    expect(await stateWith('old')).toMatch(/^client_certificate_refused/);
    expect(await stateWith('stranger')).toMatch(/^client_certificate_refused/);
  });

  it('is not talked to when its own certificate does not verify', async () => {
    expect(await stateWith('own', file('clients'))).toMatch(/^tls_refused/);
  });

  it('takes ours', async () => {
    expect(await stateWith('own')).toMatch(/^uninitialised/);
  });
});

describe('files of a certificate', () => {
  it('that are not there or do not fit fail the start', () => {
    expect(() => clientWith('missing')).toThrow('vault.clientCertFile cannot be read: ENOENT');
    const options = { address: node.address, redirectAddresses: [], namespace: undefined, timeoutMs: 1_000 };
    const mixed = { clientCertFile: file('own.crt'), clientKeyFile: file('old.key') };
    expect(
      () =>
        new VaultClient(
          { ...options, connections: 1, caFile: undefined, ...mixed },
          new SystemClock(),
          new NoTimings(),
        ),
    ).toThrow(/do not fit/);
  });

  it('are read again when they change; a half of a pair is passed over', async () => {
    for (const part of ['crt', 'key']) await copy(`old.${part}`, `rotated.${part}`);
    const client = clientWith('rotated');
    try {
      expect((await healthOf(client)).state).toMatch(/^client_certificate_refused/);
      await copy('own.crt', 'rotated.crt');
      expect((await healthOf(client)).state).toMatch(/^client_certificate_refused/);
      await copy('own.key', 'rotated.key');
      expect((await healthOf(client)).state).toBe('uninitialised');
    } finally {
      await client.close();
    }
  });
});

async function copy(from: string, to: string): Promise<void> {
  await writeFile(file(`${to}.new`), await readFile(file(from)));
  await rename(file(`${to}.new`), file(to));
}
