import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { Pool } from 'undici';
import { jsonCallOf } from '../json-call.js';
import { serveJson } from '../program.js';

/** What the bare broker is told, as JSON in `BARE_BROKER`. */
export interface BareBroker {
  readonly vaultAddress: string;
  readonly vaultToken: string;
  readonly databaseUrl: string;
  /** The token role that its tokens are made with, and the policy that they get. */
  readonly tokenRole: string;
  readonly policy: string;
}

/** A credential to read: the path below `/v1/`, and what is sent to it where it is not just read. */
export interface BareRequest {
  readonly path: string;
  readonly json?: object;
}

// The six steps of a lease and nothing else: no identity, grant, cap, event, metric, schema or check of any kind. It is what
// the protocol costs by itself on this machine, whatever is done about the rest.
const told = JSON.parse(process.env['BARE_BROKER'] ?? '') as BareBroker;
const database = new pg.Pool({ connectionString: told.databaseUrl, max: 32 });
await database.query(
  'CREATE TABLE IF NOT EXISTS bare_leases (id uuid PRIMARY KEY, accessor text NOT NULL, vault_lease_id text)',
);
const call = jsonCallOf(new Pool(told.vaultAddress, { connections: 32 }));
const ours = { 'x-vault-token': told.vaultToken };

async function lease({ path, json }: BareRequest): Promise<unknown> {
  const id = randomUUID();
  const made = await call('POST', `/v1/auth/token/create/${told.tokenRole}`, ours, {
    json: { policies: [told.policy], ttl: '600s', meta: { lease_id: id } },
  });
  const { client_token: token, accessor } = made['auth'] as { client_token: string; accessor: string };
  await database.query({
    name: 'request',
    text: 'INSERT INTO bare_leases (id, accessor) VALUES ($1, $2)',
    values: [id, accessor],
  });
  const headers = { 'x-vault-token': token };
  const read =
    json === undefined
      ? await call('GET', `/v1/${path}`, headers)
      : await call('POST', `/v1/${path}`, headers, { json });
  await database.query({
    name: 'activate',
    text: 'UPDATE bare_leases SET vault_lease_id = $2 WHERE id = $1',
    values: [id, read['lease_id']],
  });
  return { id, data: read['data'] };
}

serveJson(async (_path, body) => JSON.stringify(await lease(JSON.parse(body) as BareRequest)));
