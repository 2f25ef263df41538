import { setTimeout as pause } from 'node:timers/promises';
import type { BrokerDatabase } from '../sweep/broker-database.js';

const LOOK_EVERY_MS = 50;
const WITHIN_MS = 60_000;

/**
 * Waits until the broker has sequenced its events and read them where it reads them: what making the leases left to be
 * done is no part of what ending them takes, on either side.
 */
export async function atRest(database: BrokerDatabase): Promise<void> {
  const deadline = performance.now() + WITHIN_MS;
  while (performance.now() < deadline) {
    const [row] = await database.query<{ rests: boolean }>(
      `SELECT NOT EXISTS (SELECT 1 FROM audit_inbox) AND h.next_index >= a.size AND l.next_index >= a.size AS rests
       FROM audit_head a, hold_cursor h, alert_cursor l`,
    );
    if (row?.rests === true) return;
    await pause(LOOK_EVERY_MS);
  }
  throw new Error(`the broker did not come to rest in ${WITHIN_MS} ms`);
}
