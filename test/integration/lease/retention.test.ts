import { afterAll, beforeAll, expect, it } from 'vitest';
import { startLeaseWorld, workerOf, type LeaseWorld } from './lease-world.js';

const DAY_MS = 86_400_000;
let world: LeaseWorld;

beforeAll(async () => {
  world = await startLeaseWorld();
});
afterAll(() => world.stop());

it('drops what ended long ago and nothing that is alive, and says so', async () => {
  const { broker, mounts } = world;
  const over = await world.openRun();
  const live = await world.openRunOf(over);
  const ask = (run: typeof over): ReturnType<typeof broker.issue.issue> =>
    broker.issue.issue(run, { credential: mounts.names.kv }, workerOf(run));
  const { lease: released } = await ask(over);
  await broker.end.release(over, released.id, workerOf(over));
  await broker.runs.close(workerOf(over), over.runRef);
  const { lease: kept } = await ask(live);
  await world.query(
    `INSERT INTO idempotency_keys (actor, route, key, request_hash, created_at, locked_until) VALUES ('a', 'r', 'k', '', now(), now())`,
  );
  await world.query(
    `INSERT INTO token_uses VALUES (sha256('t'), 'i', 'r', NULL, now(), now() + interval '1 day')`,
  );
  await world.query(`INSERT INTO signing_keys VALUES ('old', '{}', now(), now(), now() + interval '1 hour')`);

  expect(await broker.retention.drop(100)).toBe(0);
  broker.clock.shiftMs += 89 * DAY_MS;
  expect(await broker.retention.drop(100)).toBe(3);
  broker.clock.shiftMs += 2 * DAY_MS;
  expect(await broker.retention.drop(100)).toBe(2);
  expect(await broker.retention.drop(100)).toBe(0);

  expect((await broker.leases.get(kept.id)).state).toBe('active');
  expect((await broker.runs.get(live.runRef)).state).toBe('open');
  await expect(broker.leases.get(released.id)).rejects.toMatchObject({ code: 'not_found' });
  const events = (await world.events()).filter(({ kind }) => kind === 'retention.dropped');
  expect(events.map(({ data }) => data)).toEqual([
    { leases: 0, runs: 0, idempotency_keys: 1, token_uses: 1, signing_keys: 1 },
    { leases: 1, runs: 1, idempotency_keys: 0, token_uses: 0, signing_keys: 0 },
  ]);
});

it('is one of the jobs, of which each has its own name', () => {
  const jobs = world.broker.jobs.all();
  expect(jobs.map(({ name, sharing }) => `${name} ${sharing}`)).toEqual(
    expect.arrayContaining([
      'expire-leases exclusive',
      'revoke-leases every-replica',
      'watch-revocation-lag exclusive',
      'reconcile-issuing exclusive',
      'reconcile-vault exclusive',
      'retention exclusive',
    ]),
  );
});

it('lists leases page by page, newest first, by what was asked for', async () => {
  const { broker, mounts } = world;
  broker.clock.shiftMs = 0;
  const run = await world.openRun();
  const wanted = [mounts.names.kv, mounts.names.pki, mounts.names.kv];
  const made: string[] = [];
  for (const credential of wanted) {
    made.unshift((await broker.issue.issue(run, { credential }, workerOf(run))).lease.id);
  }
  const first = await broker.leases.list({ run: run.runId, limit: 2 });
  expect(first.items.map(({ id }) => id)).toEqual(made.slice(0, 2));
  const second = await broker.leases.list({ run: run.runRef, limit: 2, cursor: first.nextCursor ?? '' });
  expect(second.items.map(({ id }) => id)).toEqual(made.slice(2));
  expect(second.nextCursor).toBeNull();
  const certificates = await broker.leases.list({ grant: run.grantName, kind: 'pki', limit: 10 });
  expect(certificates.items.map(({ id }) => id)).toEqual([made[1]]);
  await expect(broker.leases.list({ limit: 10, cursor: 'WyJ4Il0' })).rejects.toMatchObject({
    code: 'request_invalid',
  });
});
