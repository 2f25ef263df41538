import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import { startChild } from '../../src/dev/child.js';
import { freePort } from '../../src/dev/free-port.js';
import type { BrokerParts } from '../broker-parts.js';
import { jsonCallOf } from '../json-call.js';
import type { BareBroker, BareRequest } from './bare-broker.js';
import { DIRECT_ROLE } from './parts.js';
import { endDirect, PKI_REQUEST, readPath, type CredentialPath } from './paths.js';

const TOKEN_ROLE = 'bench-bare';

/** Starts a program that does the six steps of a lease and nothing else; answers its address. */
export async function startBareBroker(parts: BrokerParts): Promise<string> {
  await parts.vault.call('POST', `auth/token/roles/${TOKEN_ROLE}`, {
    orphan: true,
    token_no_default_policy: true,
    allowed_policies: [DIRECT_ROLE],
  });
  const databaseUrl = new URL(parts.databaseUrl);
  databaseUrl.pathname = '/postgres';
  const port = await freePort();
  const told: BareBroker = {
    port,
    vaultAddress: parts.vault.address,
    vaultToken: parts.vault.token,
    databaseUrl: databaseUrl.href,
    tokenRole: TOKEN_ROLE,
    policy: DIRECT_ROLE,
  };
  const url = `http://127.0.0.1:${port}`;
  const child = await startChild(parts.reaper, {
    name: 'the bare broker',
    command: process.execPath,
    args: [fileURLToPath(new URL('bare-broker.js', import.meta.url))],
    env: { PATH: process.env['PATH'] ?? '', BARE_BROKER: JSON.stringify(told) },
    ready: async () => (await fetch(url)).ok,
    deadlineMs: 30_000,
    stopMs: 5_000,
  });
  parts.onStop(() => child.stop());
  return url;
}

/** A lease by the program that does nothing but the six steps. */
export function barePath(parts: BrokerParts, url: string, connections: number): CredentialPath {
  const pool = new Pool(url, { connections });
  const call = jsonCallOf(pool);
  return {
    begin: () => Promise.resolve(),
    async fetch(engine) {
      const wanted: BareRequest = {
        path: readPath(engine, parts.mounts).slice('/v1/'.length),
        ...(engine === 'pki' && { json: PKI_REQUEST }),
      };
      await call('POST', '/', {}, { json: wanted });
    },
    end: () => endDirect(parts, `auth/token/create/${TOKEN_ROLE}`),
    close: () => pool.close(),
  };
}
