import { burst } from '../load.js';
import type { BrokerParts } from '../broker-parts.js';
import { startParts } from '../issue/parts.js';
import { leasePath, type Engine } from '../issue/paths.js';
import { compared, median, quantile, report, type Report, type Row } from '../report.js';
import { BrokerDatabase } from '../sweep/broker-database.js';

const SIZE = 100_000;
const LEASES_A_RUN = 100;
const OPERATIONS = 300;
const WARM_UP = 2_000;

/**
 * A lease beside that many live ones, of the same grant and credential, against a lease in a table with none; in turns,
 * on the same broker. Nothing is swept or reconciled meanwhile: the seeded rows stand for leases that Vault never made.
 */
export async function benchScale(
  rounds: number,
  progress: (line: string) => void,
  size = SIZE,
): Promise<Report> {
  const parts = await startParts(progress, ['api', 'sequencer']);
  const database = await BrokerDatabase.open(parts.databaseUrl);
  try {
    progress(`warming up: ${WARM_UP} leases`);
    await p50(parts, 'kv', WARM_UP);
    const rows: Row[] = [];
    const found: Record<'database' | 'kv', { full: number[]; empty: number[] }> = {
      database: { full: [], empty: [] },
      kv: { full: [], empty: [] },
    };
    for (let round = 0; round < rounds; round += 1) {
      for (const engine of ['database', 'kv'] as const)
        found[engine].empty.push(await p50(parts, engine, OPERATIONS));
      await seed(database, size);
      for (const engine of ['database', 'kv'] as const)
        found[engine].full.push(await p50(parts, engine, OPERATIONS));
      await unseed(database);
      const { full, empty } = found.database;
      progress(
        `round ${round + 1} of ${rounds}: empty ${empty.at(-1)?.toFixed(2)} ms, full ${full.at(-1)?.toFixed(2)} ms`,
      );
    }
    for (const engine of ['database', 'kv'] as const) {
      rows.push(
        compared({
          case: `${engine}/1 worker, ${size} live leases against none`,
          metric: 'p50',
          unit: 'ms',
          ours: median(found[engine].full),
          reference: median(found[engine].empty),
          limit: 1.1,
          better: 'lower',
        }),
      );
    }
    return report('scale', rounds, rows);
  } finally {
    await database.close();
    await parts.stop();
  }
}

async function p50(parts: BrokerParts, engine: Engine, operations: number): Promise<number> {
  const path = leasePath(parts, 1, false);
  await path.begin();
  const { latenciesMs } = await burst(1, operations, () => path.fetch(engine));
  await path.end();
  await path.close();
  return quantile(latenciesMs, 0.5);
}

async function seed(database: BrokerDatabase, size: number): Promise<void> {
  await database.query(
    `INSERT INTO runs (id, run_id, grant_id, grant_version, issuer, subject, claims, state, opened_at, deadline)
     SELECT gen_random_uuid(), 'seed-' || n, grant_id, grant_version, issuer, subject, '{}', 'open', now(), now() + interval '1 day'
     FROM (SELECT * FROM runs LIMIT 1) r, generate_series(1, $1::int) n`,
    [Math.ceil(size / LEASES_A_RUN)],
  );
  await database.query(
    `INSERT INTO leases (id, run_ref, step_id, grant_id, grant_version, credential, credential_version, kind, mount, delivery,
       revocable, state, accessor, vault_lease_id, account, requested_at, issued_at, expires_at, max_expires_at)
     SELECT gen_random_uuid(), r.id, 'seed', r.grant_id, r.grant_version, c.name, c.version, c.kind, c.mount, 'inline',
       c.revocable, 'active', 'seed-' || gen_random_uuid(), 'seed/' || gen_random_uuid(), 'v-seed', now(), now(),
       now() + interval '1 day', now() + interval '1 day'
     FROM runs r CROSS JOIN credentials c CROSS JOIN generate_series(1, $1::int) n
     WHERE r.run_id LIKE 'seed-%' AND c.name = 'orders-readonly' LIMIT $2::int`,
    [LEASES_A_RUN, size],
  );
  await database.query('VACUUM ANALYZE leases');
  await database.query('VACUUM ANALYZE runs');
}

async function unseed(database: BrokerDatabase): Promise<void> {
  await database.query(`DELETE FROM leases WHERE step_id = 'seed'`);
  await database.query(`DELETE FROM runs WHERE run_id LIKE 'seed-%'`);
  await database.query('VACUUM ANALYZE leases');
  await database.query('VACUUM ANALYZE runs');
}
