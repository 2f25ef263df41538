import pg from 'pg';
import { beforeAll, afterAll, expect, it } from 'vitest';
import {
  DATABASE_ROLE,
  KV_PATH,
  mountEngines,
  mountsNamed,
  PKI_ROLE,
  unmountEngines,
} from '../../../src/dev/engines.js';
import type { TargetDatabase } from '../../../src/dev/target-database.js';
import { VaultOperator } from '../../../src/dev/vault-operator.js';
import { freshTarget, vaultParts } from '../../support/parts.js';
import { until } from '../../support/until.js';

const mounts = mountsNamed('engines-test');
let vault: VaultOperator;
let target: TargetDatabase;

beforeAll(async () => {
  const { address, rootToken } = vaultParts();
  vault = new VaultOperator(address, rootToken);
  target = await freshTarget();
  await mountEngines(vault, mounts, target);
});
afterAll(async () => {
  await unmountEngines(vault, mounts);
  await target.drop();
});

it('says what Vault refused', async () => {
  await expect(vault.call('GET', `${mounts.database}/creds/nobody`)).rejects.toThrow(/Vault answered 400/);
});

it('makes users that can read, and cuts them off when their lease is revoked', async () => {
  const response = await fetch(`${vault.address}/v1/${mounts.database}/creds/${DATABASE_ROLE}`, {
    headers: { 'x-vault-token': vault.token },
  });
  const { lease_id: leaseId, data } = (await response.json()) as {
    lease_id: string;
    data: { username: string; password: string };
  };
  const session = new pg.Client({ connectionString: target.urlFor(data) });
  let cut = false;
  session.on('error', () => (cut = true));
  await session.connect();
  expect((await session.query('SELECT * FROM orders')).rowCount).toBe(3);
  await vault.call('PUT', 'sys/leases/revoke', { lease_id: leaseId, sync: true });
  await until(() => cut, { what: 'the open session to be cut' });
  const again = new pg.Client({ connectionString: target.urlFor(data) });
  await expect(again.connect()).rejects.toMatchObject({ code: '28P01' });
});

it('has a static secret and a certificate role', async () => {
  const secret = await vault.call('GET', `${mounts.kv}/data/${KV_PATH}`);
  expect(secret['data']).toMatchObject({ api_key: expect.stringMatching(/^key-/) as string });
  const certificate = await vault.call('POST', `${mounts.pki}/issue/${PKI_ROLE}`, {
    common_name: 'worker.internal.example',
  });
  expect(certificate['certificate']).toMatch(/BEGIN CERTIFICATE/);
});
