import { randomUUID } from 'node:crypto';
import { Pool } from 'undici';
import type { BrokerParts } from '../broker-parts.js';
import { DIRECT_ROLE, SUBJECT } from '../issue/parts.js';
import { exchanged, jsonCallOf } from '../json-call.js';
import { burst } from '../load.js';
import type { BrokerDatabase } from '../sweep/broker-database.js';
import { atRest } from './at-rest.js';
import type { Account, Victims } from './victims.js';

/** Accounts are made this many at a time. */
const AT_ONCE = 8;

/** How one kill went. */
export interface Kill {
  /** Until every account was gone from the target. */
  readonly goneMs: number;
  /** Until the answer, with ours the one that says that all ends are proved. */
  readonly answeredMs: number;
}

/** What kills are tried on. */
export interface Scene {
  readonly parts: BrokerParts;
  readonly database: BrokerDatabase;
  readonly victims: Victims;
}

/** Leases that many accounts in a run, closes it, and sees them go. */
export async function killByBroker(scene: Scene, size: number): Promise<Kill> {
  const { parts } = scene;
  const pool = new Pool(parts.baseUrl, { connections: AT_ONCE });
  const call = jsonCallOf(pool);
  try {
    const jwt = await parts.issuer.token({ sub: SUBJECT });
    const authorization = { authorization: `Bearer ${await exchanged(call, jwt, `bench-${randomUUID()}`)}` };
    const accounts: Account[] = [];
    await burst(AT_ONCE, size, async () => {
      const answer = await call('POST', '/v1/leases', authorization, {
        json: { credential: 'orders-readonly' },
      });
      accounts.push(answer['credential'] as Account);
    });
    return await killed(scene, accounts, async () => {
      const { proved, outstanding } = await call('DELETE', '/v1/runs/self', authorization);
      if (proved !== size || outstanding !== 0) throw new Error(`${String(proved)} of ${size} were proved`);
    });
  } finally {
    await pool.close();
  }
}

/** Has Vault make as many accounts, revokes them by their prefix, `sync`, and sees them go. */
export async function killByVault(scene: Scene, size: number): Promise<Kill> {
  const { vault, mounts } = scene.parts;
  const path = `${mounts.database}/creds/${DIRECT_ROLE}`;
  const pool = new Pool(vault.address, { connections: AT_ONCE });
  const call = jsonCallOf(pool);
  const token = { 'x-vault-token': vault.token };
  try {
    const accounts: Account[] = [];
    await burst(AT_ONCE, size, async () => {
      accounts.push((await call('GET', `/v1/${path}`, token))['data'] as Account);
    });
    return await killed(scene, accounts, () =>
      call('PUT', `/v1/sys/leases/revoke-prefix/${path}`, token, { json: { sync: true } }),
    );
  } finally {
    await pool.close();
  }
}

async function killed(
  { victims, database }: Scene,
  accounts: readonly Account[],
  kill: () => Promise<unknown>,
): Promise<Kill> {
  await victims.checkLogins(accounts, true);
  await atRest(database);
  let answeredMs = 0;
  const goneMs = await victims.goneAfterMs(accounts, async () => {
    const begin = performance.now();
    await kill();
    answeredMs = performance.now() - begin;
  });
  await victims.checkLogins(accounts, false);
  return { goneMs, answeredMs };
}
