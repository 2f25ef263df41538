import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiCall } from '../../support/api-call.js';
import { until } from '../../support/until.js';
import { startWorld, WORKER_SUBJECT, type World } from '../../support/world.js';

const WAIT = { deadlineMs: 120_000, what: 'enough attempts of the workers' };

let world: World;
let replicas: { readonly url: string; stop(): Promise<void> }[] = [];
let urls: string[] = [];

beforeAll(async () => {
  world = await startWorld();
  replicas = [await world.replica(), await world.replica()];
  urls = [world.baseUrl, ...replicas.map(({ url }) => url)];
}, 240_000);
afterAll(async () => {
  for (const replica of replicas) await replica.stop();
  await world.stop();
});

/** One attempt of a worker, and when it began. */
interface Attempt {
  readonly atMs: number;
  readonly status: number;
}

/** A worker that exchanges and leases in a tight loop, at one replica, until it is stopped. */
function worker(url: string, subject: string, index: number, attempts: Attempt[], stopped: () => boolean) {
  return (async () => {
    for (let turn = 0; !stopped(); turn += 1) {
      const exchanged = await apiCall(url, 'POST', '/oauth2/token', {
        form: {
          grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
          subject_token: await world.workerToken({ sub: subject }),
          subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
          run_id: `${subject}-${index}-${Math.floor(turn / 3)}`,
          step_id: 'step',
        },
      });
      attempts.push({ atMs: performance.now(), status: exchanged.status });
      const token = (exchanged.body as { access_token?: string }).access_token;
      if (token === undefined) continue;
      // When the exchange was answered before the kill, the lease may still be asked for after it.
      const atMs = performance.now();
      const body = { credential: 'payments-api' };
      const { status } = await apiCall(url, 'POST', '/v1/leases', { token, body });
      attempts.push({ atMs, status });
    }
  })();
}

describe.each([
  ['workload', (subject: string) => ({ workload: { issuer: 'dev', subject } })],
  ['grant', (_: string, grant: string) => ({ grant })],
  ['label', (_: string, grant: string) => ({ label: `of=${grant}` })],
  ['credential', () => ({ credential: 'payments-api' })],
  ['target', () => ({ target: world.names.mounts.kv })],
] as const)('a kill of a %s, while workers lease at three replicas', (kind, selectorOf) => {
  it('lets nothing begin on any of them once it has answered, and nothing of it lives', async () => {
    const grant = `loop-${kind}`;
    const subject = `${WORKER_SUBJECT}/${grant}`;
    await world.createGrant({ name: grant, labels: { of: grant }, workload: { claims: { sub: subject } } });
    const attempts: Attempt[] = [];
    let stop = false;
    const workers = urls.flatMap((url, at) =>
      [0, 1].map((index) => worker(url, subject, at * 2 + index, attempts, () => stop)),
    );
    await until(() => attempts.filter(({ status }) => status === 201).length >= 12, WAIT);
    const token = await world.adminToken();
    const wanted = { selector: selectorOf(subject, grant), reason: 'test' };
    const answer = await world.call('POST', '/v1/revocations', { token, body: wanted });
    const answeredMs = performance.now();
    expect(answer.status).toBe(200);
    const seen = attempts.length;
    await until(() => attempts.length >= seen + 18, WAIT);
    stop = true;
    await Promise.all(workers);

    const after = attempts.filter(({ atMs }) => atMs > answeredMs);
    expect(after.length).toBeGreaterThan(6);
    expect(after.filter(({ status }) => status === 201)).toEqual([]);
    const [live] = await world.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM leases l JOIN runs r ON r.id = l.run_ref
       WHERE r.subject = $1 AND l.state IN ('issuing', 'active')`,
      [subject],
    );
    expect(live?.count).toBe(0);
    if (kind !== 'workload') return;
    const [runs] = await world.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM runs WHERE subject = $1 AND state = 'open'`,
      [subject],
    );
    expect(runs?.count).toBe(0);
  }, 240_000);

  afterAll(async () => {
    const token = await world.adminToken();
    const blocks = await world.call('GET', '/v1/blocks?standing=true', { token });
    for (const { id } of (blocks.body as { items: { id: string }[] }).items)
      await world.call('DELETE', `/v1/blocks/${id}`, { token });
    await world.call('POST', '/v1/credentials/payments-api/enable', { token, body: {} });
  });
});
