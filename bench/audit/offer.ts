import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import type { LeaseEvents } from './events.js';

const INSERT = 'INSERT INTO audit_inbox (event_id, leaf) SELECT * FROM unnest($1::uuid[], $2::bytea[])';

/** What was offered. */
export interface Offered {
  readonly events: number;
  /** Each transaction from its statement to its commit, in milliseconds. */
  readonly appendMs: readonly number[];
  /** From the end of offering to an empty inbox. */
  readonly backlogMs: number;
}

/**
 * Offers events at a rate for some seconds, whatever the database answers: transactions of `group` events each, begun when
 * they are due, on as many connections. Then waits until the inbox is empty.
 */
export async function offer(
  pool: pg.Pool,
  source: LeaseEvents,
  { perSecond, seconds, group }: { perSecond: number; seconds: number; group: number },
): Promise<Offered> {
  const appendMs: number[] = [];
  const open = new Set<Promise<void>>();
  const total = perSecond * seconds;
  const begun = performance.now();
  let events = 0;
  while (events < total) {
    const due = Math.min(total, Math.floor(((performance.now() - begun) / 1_000) * perSecond));
    while (events < due) {
      const some = Array.from({ length: Math.min(group, due - events) }, () => source.next());
      events += some.length;
      const from = performance.now();
      const one = pool
        .query(INSERT, [some.map(([id]) => id), some.map(([, leaf]) => leaf)])
        .then(() => void appendMs.push(performance.now() - from))
        .finally(() => open.delete(one));
      open.add(one);
    }
    await wait(2);
  }
  await Promise.all(open);
  return { events, appendMs, backlogMs: await emptied(pool) };
}

/** Milliseconds until the inbox is empty. */
export async function emptied(pool: pg.Pool): Promise<number> {
  const from = performance.now();
  for (;;) {
    const { rows } = await pool.query('SELECT 1 FROM audit_inbox LIMIT 1');
    if (rows.length === 0) return performance.now() - from;
    await wait(20);
  }
}
