import { Pool } from 'undici';
import type { BrokerParts } from '../broker-parts.js';
import { jsonCallOf } from '../json-call.js';
import { ownDatabaseUrl, startProgram } from '../program.js';
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
  const told: BareBroker = {
    vaultAddress: parts.vault.address,
    vaultToken: parts.vault.token,
    databaseUrl: ownDatabaseUrl(parts),
    tokenRole: TOKEN_ROLE,
    policy: DIRECT_ROLE,
  };
  const env = { BARE_BROKER: JSON.stringify(told) };
  return startProgram(parts, 'the bare broker', new URL('bare-broker.js', import.meta.url), env);
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
