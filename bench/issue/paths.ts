import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Pool } from 'undici';
import { DATABASE_ROLE, KV_PATH, PKI_ROLE, type EngineMounts } from '../../src/dev/engines.js';
import type { BrokerParts } from '../broker-parts.js';
import { DIRECT_ROLE, SUBJECT } from './parts.js';

/** The three engines of the catalogue, by the names that the rows have. */
export const ENGINES = ['database', 'kv', 'pki'] as const;
export type Engine = (typeof ENGINES)[number];

/** One way to a credential. */
export interface CredentialPath {
  /** Before a burst. */
  begin(): Promise<void>;
  /** Fetches one credential; throws when it did not get one. */
  fetch(engine: Engine): Promise<void>;
  /** Ends all that the burst made and waits for it, so that the next burst finds the same Vault and PostgreSQL. */
  end(): Promise<void>;
  close(): Promise<void>;
}

const CREDENTIAL: Readonly<Record<Engine, string>> = {
  database: 'orders-readonly',
  kv: 'payments-api',
  pki: 'internal-tls',
};
const PKI_REQUEST = JSON.stringify({ common_name: 'worker.internal.example', ttl: '300s' });

/** JWT login and read, as a worker does it against Vault alone. */
export function directPath(parts: BrokerParts, connections: number): CredentialPath {
  const pool = new Pool(parts.vault.address, { connections });
  let login = '';
  const { mounts } = parts;
  return {
    async begin() {
      login = JSON.stringify({ role: DIRECT_ROLE, jwt: await platformToken(parts) });
    },
    async fetch(engine) {
      const answer = await call(pool, 'POST', '/v1/auth/jwt/login', {}, login);
      const token = (answer['auth'] as { client_token: string }).client_token;
      const headers = { 'x-vault-token': token };
      if (engine === 'pki') await call(pool, 'POST', readPath(engine, mounts), headers, PKI_REQUEST);
      else await call(pool, 'GET', readPath(engine, mounts), headers);
    },
    async end() {
      for (const prefix of [`${mounts.database}/creds`, `${mounts.pki}/issue`, 'auth/jwt/login']) {
        await parts.vault.call('PUT', `sys/leases/revoke-prefix/${prefix}`, { sync: true });
      }
    },
    close: () => pool.close(),
  };
}

/**
 * A lease by us. Without `exchangeEach` the worker has its run token already, as it has after its first credential;
 * with it each operation exchanges its token first: a worker that needs one credential in its life.
 */
export function leasePath(parts: BrokerParts, connections: number, exchangeEach: boolean): CredentialPath {
  const pool = new Pool(parts.baseUrl, { connections });
  let runId = '';
  let jwt = '';
  let runToken = '';
  return {
    async begin() {
      runId = `bench-${randomUUID()}`;
      // A platform token is good for one run.
      jwt = await platformToken(parts);
      runToken = await exchange(pool, jwt, runId);
    },
    async fetch(engine) {
      await lease(pool, exchangeEach ? await exchange(pool, jwt, runId) : runToken, engine);
    },
    async end() {
      const authorization = `Bearer ${await parts.issuer.token({ sub: 'bench-admin', roles: ['operator'] })}`;
      let answer = await call(pool, 'DELETE', '/v1/runs/self', { authorization: `Bearer ${runToken}` });
      const { id } = answer['run'] as { id: string };
      for (const state of ['revoking', 'orphaned']) {
        for (;;) {
          answer = await call(pool, 'GET', `/v1/leases?run=${id}&state=${state}&limit=1`, { authorization });
          if ((answer['items'] as unknown[]).length === 0) break;
          await pause(100);
        }
      }
    },
    close: () => pool.close(),
  };
}

/** A platform token that both sides accept, for an hour. */
function platformToken(parts: BrokerParts): Promise<string> {
  return parts.issuer.token({ sub: SUBJECT }, { lifetimeSeconds: 3_500, algorithm: 'RS256' });
}

async function exchange(pool: Pool, jwt: string, runId: string): Promise<string> {
  const form = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: jwt,
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    run_id: runId,
    step_id: 'bench',
  }).toString();
  const answer = await call(
    pool,
    'POST',
    '/oauth2/token',
    { 'content-type': 'application/x-www-form-urlencoded' },
    form,
  );
  return String(answer['access_token']);
}

async function lease(pool: Pool, runToken: string, engine: Engine): Promise<void> {
  const body = JSON.stringify({ credential: CREDENTIAL[engine] });
  await call(pool, 'POST', '/v1/leases', { authorization: `Bearer ${runToken}` }, body);
}

async function call(
  pool: Pool,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  headers: Readonly<Record<string, string>>,
  body?: string,
): Promise<Record<string, unknown>> {
  const response = await pool.request({
    method,
    path,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.body.text();
  if (response.statusCode >= 300)
    throw new Error(`${method} ${path} answered ${response.statusCode}: ${text}`);
  return JSON.parse(text) as Record<string, unknown>;
}

function readPath(engine: Engine, mounts: EngineMounts): string {
  if (engine === 'database') return `/v1/${mounts.database}/creds/${DATABASE_ROLE}`;
  if (engine === 'kv') return `/v1/${mounts.kv}/data/${KV_PATH}`;
  return `/v1/${mounts.pki}/issue/${PKI_ROLE}`;
}
