import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import type { MadeEvents } from './made-events.js';

/** What was offered. */
export interface Offered {
  readonly events: number;
  /** Each transaction from its statement to its commit, in milliseconds. */
  readonly appendMs: readonly number[];
  /** From the end of offering to an empty inbox. */
  readonly backlogMs: number;
}

/**
 * Offers events at a rate until there are no more, whatever the database answers: transactions of `group` events each, begun when
 * they are due, on as many connections. Then waits until the inbox is empty.
 */
export async function offer(
  pool: pg.Pool,
  made: MadeEvents,
  { perSecond, group }: { perSecond: number; group: number },
): Promise<Offered> {
  const appendMs: number[] = [];
  const open = new Set<Promise<void>>();
  const total = made.count;
  const begun = performance.now();
  let events = 0;
  while (events < total) {
    const due = Math.min(total, Math.floor(((performance.now() - begun) / 1_000) * perSecond));
    while (events < due) {
      const count = Math.min(group, due - events);
      const values = made.now(events, events + count);
      events += count;
      const from = performance.now();
      const one = pool
        .query({ name: `offer-${count}`, text: insertOf(count), values })
        .then(() => void appendMs.push(performance.now() - from))
        .finally(() => open.delete(one));
      open.add(one);
    }
    await wait(2);
  }
  await Promise.all(open);
  return { events, appendMs, backlogMs: await emptied(pool) };
}

function insertOf(count: number): string {
  const rows = Array.from({ length: count }, (_, n) => `($${2 * n + 1}, $${2 * n + 2})`);
  return `INSERT INTO audit_inbox (event_id, leaf) VALUES ${rows.join(', ')}`;
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
