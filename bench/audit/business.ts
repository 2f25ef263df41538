import type pg from 'pg';
import { median } from '../report.js';
import type { LeaseEvents } from './events.js';

const TRANSACTIONS = 400;

/** Milliseconds of a transaction that changes three rows and reads one, with its event or without; the median. */
export async function businessMs(pool: pg.Pool, source: LeaseEvents | undefined): Promise<number> {
  await pool.query(
    'CREATE TABLE IF NOT EXISTS bench_business (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, state text, changed_at timestamptz)',
  );
  const client = await pool.connect();
  const taken: number[] = [];
  try {
    for (let n = 0; n < TRANSACTIONS; n += 1) {
      const event = source?.next();
      const from = performance.now();
      await client.query('BEGIN');
      const { rows } = await client.query<{ id: string }>(
        `INSERT INTO bench_business (state, changed_at) VALUES ('new', now()) RETURNING id`,
      );
      await client.query('SELECT state FROM bench_business WHERE id = $1 FOR UPDATE', [rows[0]?.id]);
      await client.query(`UPDATE bench_business SET state = 'active', changed_at = now() WHERE id = $1`, [
        rows[0]?.id,
      ]);
      if (event !== undefined)
        await client.query('INSERT INTO audit_inbox (event_id, leaf) VALUES ($1, $2)', [...event]);
      await client.query('COMMIT');
      taken.push(performance.now() - from);
    }
  } finally {
    client.release();
  }
  return median(taken);
}
