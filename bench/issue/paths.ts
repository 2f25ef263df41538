import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Pool } from 'undici';
import { KV_PATH, type EngineMounts } from '../../src/dev/engines.js';
import type { BrokerParts } from '../broker-parts.js';
import { exchanged, jsonCallOf } from '../json-call.js';
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
/** What a certificate is asked for with. */
export const PKI_REQUEST = { common_name: 'worker.internal.example', ttl: '300s' };

/** JWT login and read, as a worker does it against Vault alone. */
export function directPath(parts: BrokerParts, connections: number): CredentialPath {
  const pool = new Pool(parts.vault.address, { connections });
  const call = jsonCallOf(pool);
  let login = {};
  const { mounts } = parts;
  return {
    async begin() {
      login = { role: DIRECT_ROLE, jwt: await platformToken(parts) };
    },
    async fetch(engine) {
      const answer = await call('POST', '/v1/auth/jwt/login', {}, { json: login });
      const token = (answer['auth'] as { client_token: string }).client_token;
      const headers = { 'x-vault-token': token };
      if (engine === 'pki') await call('POST', readPath(engine, mounts), headers, { json: PKI_REQUEST });
      else await call('GET', readPath(engine, mounts), headers);
    },
    end: () => endDirect(parts, 'auth/jwt/login'),
    close: () => pool.close(),
  };
}

/**
 * A lease by us. Without `exchangeEach` the worker has its run token already, as it has after its first credential;
 * with it each operation exchanges its token first: a worker that needs one credential in its life.
 */
export function leasePath(parts: BrokerParts, connections: number, exchangeEach: boolean): CredentialPath {
  const pool = new Pool(parts.baseUrl, { connections });
  const call = jsonCallOf(pool);
  let runId = '';
  let jwt = '';
  let runToken = '';
  return {
    async begin() {
      runId = `bench-${randomUUID()}`;
      // A platform token is good for one run.
      jwt = await platformToken(parts);
      runToken = await exchanged(call, jwt, runId);
    },
    async fetch(engine) {
      const token = exchangeEach ? await exchanged(call, jwt, runId) : runToken;
      const headers = { authorization: `Bearer ${token}` };
      await call('POST', '/v1/leases', headers, { json: { credential: CREDENTIAL[engine] } });
    },
    async end() {
      const authorization = `Bearer ${await parts.issuer.token({ sub: 'bench-admin', roles: ['operator'] })}`;
      let answer = await call('DELETE', '/v1/runs/self', { authorization: `Bearer ${runToken}` });
      const { id } = answer['run'] as { id: string };
      for (const state of ['revoking', 'orphaned']) {
        for (;;) {
          answer = await call('GET', `/v1/leases?run=${id}&state=${state}&limit=1`, { authorization });
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

/** Ends what was leased at the roles of the direct path, and the tokens below `tokens`. */
export async function endDirect({ vault, mounts }: BrokerParts, tokens: string): Promise<void> {
  for (const prefix of [
    `${mounts.database}/creds/${DIRECT_ROLE}`,
    `${mounts.pki}/issue/${DIRECT_ROLE}`,
    tokens,
  ]) {
    await vault.call('PUT', `sys/leases/revoke-prefix/${prefix}`, { sync: true });
  }
}

/** Roles of its own: what is leased at those of the catalogue and is in no row of ours, reconciliation ends. */
export function readPath(engine: Engine, mounts: EngineMounts): string {
  if (engine === 'database') return `/v1/${mounts.database}/creds/${DIRECT_ROLE}`;
  if (engine === 'kv') return `/v1/${mounts.kv}/data/${KV_PATH}`;
  return `/v1/${mounts.pki}/issue/${DIRECT_ROLE}`;
}
