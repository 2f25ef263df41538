import pg from 'pg';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { expect, it } from 'vitest';
import { freshDatabase, freshTarget, issuerParts, vaultParts } from '../../support/parts.js';

async function rows(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

it('gives each test file a migrated database of its own', async () => {
  const [one, other] = await Promise.all([freshDatabase(), freshDatabase()]);
  await rows(one.url, 'CREATE TABLE only_here (id int)');
  expect(await rows(one.url, "SELECT to_regclass('leases')::text AS name")).toEqual([{ name: 'leases' }]);
  expect(await rows(other.url, "SELECT to_regclass('only_here')::text AS name")).toEqual([{ name: null }]);
  await one.drop();
  await other.drop();
  await expect(rows(one.url, 'SELECT 1')).rejects.toMatchObject({ code: '3D000' });
});

it('gives a target whose makers of users may not read it, and whose readers may', async () => {
  const target = await freshTarget();
  const vaultUrl = target.urlFor(target.vaultAccount);
  await expect(rows(vaultUrl, 'SELECT * FROM orders')).rejects.toMatchObject({ code: '42501' });
  await rows(vaultUrl, `CREATE ROLE r_${target.database} LOGIN PASSWORD 'x' IN ROLE ${target.readers}`);
  const reader = target.urlFor({ username: `r_${target.database}`, password: 'x' });
  expect(await rows(reader, 'SELECT count(*)::int AS n FROM orders')).toEqual([{ n: 3 }]);
  await target.drop();
});

it('has a Vault that answers and knows the PostgreSQL plugin', async () => {
  const { address, rootToken } = vaultParts();
  const response = await fetch(`${address}/v1/sys/plugins/catalog/database/postgresql-database-plugin`, {
    headers: { 'x-vault-token': rootToken },
  });
  expect(response.status).toBe(200);
});

it('has an issuer whose tokens verify on its published keys', async () => {
  const issuer = issuerParts();
  const discovery = (await (await fetch(`${issuer.url}/.well-known/openid-configuration`)).json()) as {
    jwks_uri: string;
  };
  const keys = createRemoteJWKSet(new URL(discovery.jwks_uri));
  for (const algorithm of ['ES256', 'RS256'] as const) {
    const token = await issuer.token({ sub: 'worker', run_id: 'r1' }, { algorithm, audience: 'here' });
    const { payload } = await jwtVerify(token, keys, { issuer: issuer.url, audience: 'here' });
    expect(payload).toMatchObject({ sub: 'worker', run_id: 'r1' });
  }
});
