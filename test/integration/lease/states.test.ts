import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LEASE_STATES, mayBecome, type LeaseState } from '../../../src/lease/lease.js';
import { freshDatabase, type TestDatabase } from '../../support/parts.js';

const ID = '00000000-0000-7000-8000-000000000001';

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await freshDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(`INSERT INTO credentials (name, kind, mount, path, deliveries, default_ttl_seconds, max_ttl_seconds, revocable, created_at, created_by, updated_at)
    VALUES ('c', 'database', 'm', 'p', '{inline}', 1, 1, true, now(), 'x', now())`);
  await client.query(`INSERT INTO grants (id, name, state, version, issuer, created_at, created_by, updated_at)
    VALUES ('${ID}', 'g', 'active', 1, 'i', now(), 'x', now())`);
  await client.query(
    `INSERT INTO grant_versions (grant_id, version, spec, created_at, created_by) VALUES ('${ID}', 1, '{}', now(), 'x')`,
  );
  await client.query(`INSERT INTO runs (id, run_id, grant_id, grant_version, issuer, subject, state, opened_at, deadline)
    VALUES ('${ID}', 'r', '${ID}', 1, 'i', 's', 'open', now(), now() + interval '1 hour')`);
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

async function startAgain(): Promise<void> {
  await client.query('DELETE FROM leases');
  await client.query(`INSERT INTO leases (id, run_ref, step_id, grant_id, grant_version, credential, credential_version, kind, mount,
      delivery, revocable, state, accessor, requested_at, expires_at, max_expires_at)
    VALUES ('${ID}', '${ID}', 's', '${ID}', 1, 'c', 1, 'database', 'm', 'inline', true, 'issuing', 'a', now(), now(), now())`);
}

async function move(to: LeaseState): Promise<boolean> {
  try {
    await client.query(
      `UPDATE leases SET state = $1, issued_at = coalesce(issued_at, now()), next_attempt_at = now(),
         revoke_cause = CASE WHEN $1 IN ('issuing', 'active') THEN NULL ELSE 'admin' END,
         ended_at = CASE WHEN $1 IN ('revoked', 'expired', 'forgotten') THEN now() END,
         stuck_since = CASE WHEN $1 = 'forgotten' THEN now() END`,
      [to],
    );
    return true;
  } catch (error) {
    expect((error as { code: string }).code).toBe('23514');
    return false;
  }
}

it('the database refuses what the machine refuses, wherever a walk through the states goes', async () => {
  const walk = fc.array(fc.constantFrom(...LEASE_STATES), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(walk, async (steps) => {
      await startAgain();
      let at: LeaseState = 'issuing';
      for (const next of steps) {
        expect([at, next, await move(next)]).toEqual([at, next, next === at || mayBecome(at, next)]);
        if (mayBecome(at, next)) at = next;
      }
    }),
    { numRuns: 60 },
  );
});

it('the database keeps what belongs together: a cause with an end, an end with a moment', async () => {
  await startAgain();
  await expect(client.query(`UPDATE leases SET state = 'revoking', next_attempt_at = now()`)).rejects.toThrow(
    /check/,
  );
  await expect(client.query(`UPDATE leases SET state = 'revoking', revoke_cause = 'admin'`)).rejects.toThrow(
    /check/,
  );
  await expect(client.query(`UPDATE leases SET state = 'active'`)).rejects.toThrow(/check/);
  await expect(
    client.query(`UPDATE leases SET expires_at = max_expires_at + interval '1 second'`),
  ).rejects.toThrow(/check/);
});
