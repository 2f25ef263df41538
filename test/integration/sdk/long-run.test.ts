import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { AdminClient, LeasegateClient, type HeldCredential } from '../../../src/sdk/index.js';
import { until } from '../../support/until.js';
import { startWorld, type World } from '../../support/world.js';
import { briefCredential } from './brief-credential.js';
import { LoginProbe } from './login-probe.js';

vi.setConfig({ testTimeout: 240_000 });

let world: World;
beforeAll(async () => {
  world = await startWorld({ settings: { runTokens: { ttlSeconds: 30 } } });
  await briefCredential(world);
});
afterAll(() => world.stop());

const NAME = 'orders-brief';
const BRIEF = { overlapSeconds: 2.5, handoverSeconds: 2.5 };

function worker(runId: string, asked: string[] = []): LeasegateClient {
  return new LeasegateClient({
    url: world.baseUrl,
    grant: NAME,
    runId,
    stepId: 's',
    tokenSource: async () => {
      asked.push(runId);
      return world.workerToken();
    },
  });
}

const states = async (runId: string): Promise<string[]> =>
  (
    await world.query<{ state: string }>(
      'SELECT l.state FROM leases l JOIN runs r ON r.id = l.run_ref WHERE r.run_id = $1 ORDER BY l.requested_at',
      [runId],
    )
  ).map(({ state }) => state);

const admin = (): AdminClient =>
  new AdminClient({ url: world.baseUrl, tokenSource: () => world.adminToken() });

it('is told that it is over when the run is revoked, and leaves nothing behind', async () => {
  const client = worker('long-revoked');
  const credential = await client.credential(NAME, BRIEF);
  const said: string[] = [];
  credential.on('renewal-failed', ({ error, usableUntil }) =>
    said.push(`${(error as { code: string }).code} ${usableUntil?.toISOString() ?? 'dead'}`),
  );
  credential.on('ended', (reason) => said.push(reason));
  const { run } = await client.run.get();
  await admin().runs.act(run.id, 'revoke', { reason: 'test' });
  await until(() => said.includes('expired'), { deadlineMs: 60_000, what: 'the end of the credential' });
  expect(said[0]).toMatch(/^(run_closed|lease_not_active) dead$/);
  await until(async () => (await states('long-revoked')).every((state) => state === 'revoked'), {
    deadlineMs: 60_000,
  });
});

it('replaces a lease that an administrator ended, at once', async () => {
  const client = worker('long-lease-revoked');
  await using credential = await client.credential('orders-readonly', { ttlSeconds: 4 });
  const first = credential.lease.id;
  await admin().leases.revoke(first, { reason: 'test' });
  await until(() => credential.lease.id !== first, { deadlineMs: 60_000, what: 'a new lease' });
  expect(credential.lease.view.state).toBe('active');
});

it('works for many times the longest life of a lease without one failed login, and with fresh run tokens', async () => {
  const asked: string[] = [];
  const client = worker('long-run', asked);
  const credential: HeldCredential = await client.credential(NAME, BRIEF);
  const overlaps: boolean[] = [];
  let rotations = 0;
  credential.on('rotated', ({ lease, previous }) => {
    rotations += 1;
    overlaps.push(lease.remainingMs > 0 && previous.remainingMs > 0);
  });
  const probe = new LoginProbe(world.target, () => credential.data);
  await until(() => rotations >= 6, { deadlineMs: 150_000, what: 'six replacements' });
  await probe.stop();
  expect(probe.failures).toEqual([]);
  expect(probe.logins).toBeGreaterThan(50);
  expect(probe.users.size).toBeGreaterThanOrEqual(6);
  expect(overlaps).toEqual(overlaps.map(() => true));
  expect(asked.length).toBeGreaterThan(1);
  await client[Symbol.asyncDispose]();
  await until(async () => (await states('long-run')).every((state) => state === 'revoked'), {
    deadlineMs: 60_000,
  });
  expect(await world.targetUsers()).not.toEqual(expect.arrayContaining([...probe.users]));
});
