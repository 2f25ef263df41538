import { setTimeout as pause } from 'node:timers/promises';
import { Pool } from 'undici';
import { burst } from '../load.js';
import type { BrokerParts } from '../broker-parts.js';
import { DIRECT_ROLE } from '../issue/parts.js';
import { leasePath } from '../issue/paths.js';
import { jsonCallOf } from '../json-call.js';
import type { BrokerDatabase } from './broker-database.js';

/** What the broker revokes at once per mount unless told otherwise; Vault alone is asked as much at once. */
const AT_ONCE = 8;

/** Longer than the scheduler takes to come round. */
const TOLD_BEFORE_MS = 1_500;

/** Leases that many credentials, lets them expire together, and answers how many a second the sweeper proved dead. */
export async function drainByBroker(
  parts: BrokerParts,
  database: BrokerDatabase,
  size: number,
): Promise<number> {
  const path = leasePath(parts, AT_ONCE, false);
  await path.begin();
  await burst(AT_ONCE, size, () => path.fetch('database'));
  // Vault would end them in five minutes. Ours are due soon, since no lease falls due without being told before: at
  // `begin` or a little later, as the database reckons from when it hears of it.
  const begin = performance.now() + TOLD_BEFORE_MS;
  await database.query(
    `UPDATE leases SET expires_at = now() + $1 * interval '1 millisecond' WHERE state = 'active'`,
    [TOLD_BEFORE_MS],
  );
  await pause(begin - performance.now());
  while (await database.anyLeft(parts.mounts.database)) await pause(50);
  const perSecond = (size * 1000) / (performance.now() - begin);
  await path.end();
  await path.close();
  return perSecond;
}

/** Has Vault make as many users, and answers how many a second it revokes by itself, `sync` as we ask for it. */
export async function drainByVault({ vault, mounts }: BrokerParts, size: number): Promise<number> {
  const pool = new Pool(vault.address, { connections: AT_ONCE });
  const call = jsonCallOf(pool);
  const token = { 'x-vault-token': vault.token };
  const leases: string[] = [];
  await burst(AT_ONCE, size, async () => {
    const answer = await call('GET', `/v1/${mounts.database}/creds/${DIRECT_ROLE}`, token);
    leases.push(answer['lease_id'] as string);
  });
  const { perSecond } = await burst(AT_ONCE, size, async () => {
    await call('PUT', '/v1/sys/leases/revoke', token, { json: { lease_id: leases.pop(), sync: true } });
  });
  await pool.close();
  return perSecond;
}
