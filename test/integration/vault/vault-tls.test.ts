import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { SystemClock } from '../../../src/kernel/clock.js';
import { VaultClient } from '../../../src/vault/vault-client.js';
import { NoTimings } from '../../../src/vault/vault-timings.js';
import { startVaultWorld, type VaultWorld } from './vault-world.js';

/** A server with a certificate of a private CA, which is Vault's own PKI engine. */
let world: VaultWorld;
let server: Server;
let address: string;
let folder: string;
let caFile: string;

beforeAll(async () => {
  world = await startVaultWorld();
  folder = await mkdtemp(join(tmpdir(), 'leasegate-'));
  caFile = join(folder, 'ca.pem');
  const issued = (await world.root.call('POST', `pki-${world.id}/issue/internal-tls`, {
    common_name: 'vault.internal.example',
    ip_sans: '127.0.0.1',
  })) as { certificate: string; private_key: string; issuing_ca: string };
  await writeFile(caFile, issued.issuing_ca);
  server = createServer({ cert: issued.certificate, key: issued.private_key }, (_request, response) =>
    response.end('{"data":{}}'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => vi.unstubAllEnvs());

afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
  await world.stop();
});

async function ask(options: { caFile?: string; address?: string }): Promise<unknown> {
  const client = new VaultClient(
    {
      address: options.address ?? address,
      redirectAddresses: [],
      namespace: undefined,
      caFile: options.caFile,
      timeoutMs: 5_000,
      connections: 2,
    },
    new SystemClock(),
    new NoTimings(),
  );
  try {
    return await client.call({ operation: 'test', method: 'GET', path: 'sys/health' });
  } finally {
    await client.close();
  }
}

describe('TLS', () => {
  it('refuses a certificate that no known CA made, also when the environment turns checking off', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    vi.stubEnv('VAULT_SKIP_VERIFY', 'true');
    await expect(ask({})).rejects.toMatchObject({ code: 'vault_unavailable' });
  });

  it('refuses a certificate of the CA for another name', async () => {
    const elsewhere = address.replace('127.0.0.1', 'localhost');
    await expect(ask({ caFile, address: elsewhere })).rejects.toMatchObject({
      internal: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID') as string,
    });
  });

  it('says when the CA file cannot be read', async () => {
    await expect(ask({ caFile: join(folder, 'missing') })).rejects.toThrow(
      'vault.caFile cannot be read: ENOENT',
    );
  });

  it('takes a certificate of the configured CA', async () => {
    expect(await ask({ caFile })).toEqual({ data: {} });
  });
});
