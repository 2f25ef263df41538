import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerError } from '../../../src/kernel/broker-error.js';
import type { Lease } from '../../../src/lease/lease.js';
import { COUNTED } from '../../../src/lease/lease-metrics.js';
import { until } from '../../support/until.js';
import { startLeaseWorld, workerOf, type LeaseWorld } from './lease-world.js';

const DEAD = 'dead-mount';
const OVERDUE = 10_000;
const LIVE = 90_000;
const AT_ONCE = 8;

let world: LeaseWorld;
let real: Lease[];

beforeAll(async () => {
  world = await startLeaseWorld({ revokeConcurrencyPerMount: AT_ONCE });
  const run = await world.openRun();
  real = await Promise.all(
    Array.from({ length: 40 }, async () => {
      const { lease } = await world.broker.issue.issue(
        run,
        { credential: world.mounts.names.kv },
        workerOf(run),
      );
      return lease;
    }),
  );
  await seed(run.runRef, 'revoking', OVERDUE);
  await seed(run.runRef, 'active', LIVE);
  await world.query('ANALYZE leases');
}, 240_000);
afterAll(() => world.stop());

/** Rows that nothing is leased for: overdue ones at a mount that the test lets fail, or live ones. */
async function seed(runRef: string, state: 'revoking' | 'active', count: number): Promise<void> {
  await world.query(
    `INSERT INTO leases (id, run_ref, step_id, grant_id, grant_version, credential, credential_version, kind, mount, delivery,
       revocable, state, accessor, vault_lease_id, requested_at, issued_at, expires_at, max_expires_at, revoke_cause,
       revoke_requested_at, next_attempt_at)
     SELECT gen_random_uuid(), r.id, 'seeded', r.grant_id, r.grant_version, $1, 1, 'database', $2, 'inline', true, $3::text,
       'seeded-' || gen_random_uuid(), $2 || '/' || n, now(), now(), now() + interval '1 day', now() + interval '1 day',
       CASE $3::text WHEN 'revoking' THEN 'admin' END, CASE $3::text WHEN 'revoking' THEN now() END,
       CASE $3::text WHEN 'revoking' THEN now() - interval '1 hour' + n * interval '1 millisecond' END
     FROM runs r, generate_series(1, $4::int) n WHERE r.id = $5`,
    [world.mounts.names.database, DEAD, state, count, runRef],
  );
}

interface Plan {
  readonly 'Node Type': string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly Plan[];
}

/**
 * Every scan of a statement about leases that the broker sent: which index, and how many rows it touched. With `badly` the
 * planner joins as it does where its statistics are old: whole sets instead of row by row.
 */
async function scansOf(
  work: () => Promise<unknown>,
  badly = false,
): Promise<{ index: string; rows: number }[]> {
  const statements: { sql: string; values: unknown[] }[] = [];
  const { reads } = world.broker.transactions;
  const query = reads.query.bind(reads);
  reads.query = (async (sql: string, values: unknown[] = []) => {
    statements.push({ sql, values });
    return query(sql, values);
  }) as typeof reads.query;
  try {
    await work();
  } finally {
    reads.query = query;
  }
  const scans: { index: string; rows: number }[] = [];
  const walk = (plan: Plan): void => {
    if (plan['Node Type'].includes('Scan') && !plan['Node Type'].startsWith('CTE')) {
      const rows = (plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0)) * plan['Actual Loops'];
      scans.push({ index: plan['Index Name'] ?? plan['Node Type'], rows });
    }
    plan.Plans?.forEach(walk);
  };
  for (const { sql, values } of statements.filter((statement) => statement.sql.includes('FROM leases'))) {
    await world.broker.transactions
      .run(async (tx) => {
        if (badly) await tx.query('SET LOCAL enable_nestloop = off');
        const [row] = await tx.query<{ 'QUERY PLAN': [{ Plan: Plan }] }[]>(
          `EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`,
          values,
        );
        if (row !== undefined) walk(row['QUERY PLAN'][0].Plan);
        throw new Error('rolled back');
      })
      .catch((error: unknown) => expect((error as Error).message).toBe('rolled back'));
  }
  return scans;
}

describe('beside 100,000 leases', () => {
  it('due revocations are found by an index that goes from mount to mount, and a lot is all that is read', async () => {
    // Nothing at the dead mount is reached: it fails before Vault.
    failAtDead();
    const scans = await scansOf(() => world.broker.revoker.revokeDue(AT_ONCE));
    expect(scans.map(({ index }) => index)).toContain('leases_due_revocation');
    expect(scans.filter(({ index }) => index === 'Seq Scan')).toEqual([]);
    for (const { rows } of scans) expect(rows).toBeLessThanOrEqual(200);
  });

  it('the mounts where something is due are found without what is due there, whatever the planner believes', async () => {
    const scans = await scansOf(() => world.broker.claims.dueMounts(undefined), true);
    expect(scans.map(({ index }) => index)).toContain('leases_due_revocation');
    for (const { rows } of scans) expect(rows).toBeLessThanOrEqual(10);
  });

  it('due expiries are found by an index too', async () => {
    const [row] = await world.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
      `EXPLAIN (FORMAT JSON) SELECT l.id FROM leases l WHERE l.state = 'active' AND l.expires_at <= now()
       ORDER BY l.expires_at LIMIT 500 FOR UPDATE SKIP LOCKED`,
    );
    expect(JSON.stringify(row)).toContain('leases_due_expiry');
  });
});

describe('how late each mount is', () => {
  const lags = (): ReturnType<typeof world.broker.metrics.revocationLags> =>
    world.broker.metrics.revocationLags();

  it('is read from the oldest of each mount, not from all that wait', async () => {
    const scans = await scansOf(lags);
    expect(scans.map(({ index }) => index)).toContain('leases_late');
    expect(scans.filter(({ index }) => index === 'Seq Scan')).toEqual([]);
    for (const { rows } of scans) expect(rows).toBeLessThanOrEqual(COUNTED);
    const dead = (await lags()).find(({ mount }) => mount === DEAD);
    expect(dead?.waiting).toBe(COUNTED);
    expect(dead?.lagSeconds).toBeGreaterThanOrEqual(0);
  });

  it('also where every one of 90,000 expiries was missed', async () => {
    world.broker.clock.shiftMs = 2 * 86_400_000;
    try {
      const scans = await scansOf(lags);
      expect(scans.map(({ index }) => index)).toContain('leases_due_expiry');
      expect(scans.filter(({ index }) => index === 'Seq Scan')).toEqual([]);
      for (const { rows } of scans) expect(rows).toBeLessThanOrEqual(COUNTED);
      expect((await lags()).find(({ mount }) => mount === DEAD)?.lagSeconds).toBeGreaterThan(86_000);
    } finally {
      world.broker.clock.shiftMs = 0;
    }
  });
});

describe('a dead target with 10,000 overdue leases', () => {
  it('costs a few attempts, and the others are revoked at the first go', async () => {
    failAtDead();
    const replica = await world.another({ revokeConcurrencyPerMount: AT_ONCE });
    const { source } = replica;
    let atDead = 0;
    source.around.revokeLease = {
      before: (id) => {
        if (!String(id).startsWith(`${DEAD}/`)) return;
        atDead += 1;
        throw new BrokerError('vault_unavailable');
      },
    };
    await world.query(
      `UPDATE leases SET state = 'revoking', revoke_cause = 'admin', revoke_requested_at = now(), next_attempt_at = now() - interval '1 second'
       WHERE id = ANY($1::uuid[])`,
      [real.map(({ id }) => id)],
    );
    await until(
      async () => {
        await replica.revoker.revokeDue(1_000);
        const [left] = await world.query<{ count: number }>(
          `SELECT count(*)::int AS count FROM leases WHERE id = ANY($1::uuid[]) AND state <> 'revoked'`,
          [real.map(({ id }) => id)],
        );
        return left?.count === 0;
      },
      { deadlineMs: 60_000 },
    );
    // Five failures open the breaker; what was under way then fails as well.
    expect(atDead).toBeLessThanOrEqual(5 + 2 * AT_ONCE);
    const [claims] = await world.query<{ attempts: number; claimed: number }>(
      `SELECT sum(attempts)::int AS attempts, count(claimed_by)::int AS claimed FROM leases WHERE mount = $1`,
      [DEAD],
    );
    expect(claims?.claimed).toBe(0);
    expect(claims?.attempts).toBeLessThanOrEqual(3 * (5 + 2 * AT_ONCE));
    await replica.stop();
  });
});

function failAtDead(): void {
  world.broker.source.around.revokeLease = {
    before: (id) => {
      if (String(id).startsWith(`${DEAD}/`)) throw new BrokerError('vault_unavailable');
    },
  };
}
