import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../support/until.js';
import { WORKER_SUBJECT } from '../../support/world.js';
import { CREDENTIAL, KillWorld, LoopingWorker } from './kill-loops.js';

const WAIT = { deadlineMs: 120_000, what: 'enough attempts of the workers' };
/** What the product promises: no stream goes on for longer after a kill was answered. */
const CUT_WITHIN_MS = 1_000;

let world: KillWorld;

beforeAll(async () => {
  world = await KillWorld.start();
}, 240_000);
afterAll(() => world.stop());

afterEach(async () => {
  const { gateway } = world;
  const { body } = await gateway.admin('GET', '/v1/blocks?standing=true');
  for (const { id } of (body as { items: { id: string }[] }).items)
    await gateway.admin('DELETE', `/v1/blocks/${id}`);
  await gateway.admin('POST', `/v1/credentials/${CREDENTIAL}/enable`, {});
});

interface Killed {
  readonly subject: string;
  readonly grant: string;
  /** Our id of the run. */
  readonly run: string;
}

const KILLS: readonly [string, 'exchanges go on' | 'no exchange', (killed: Killed) => object][] = [
  ['run', 'no exchange', ({ run }) => ({ run })],
  ['workload', 'no exchange', ({ subject }) => ({ workload: { issuer: 'dev', subject } })],
  ['grant', 'no exchange', ({ grant }) => ({ grant })],
  ['credential', 'exchanges go on', () => ({ credential: CREDENTIAL })],
  ['target', 'exchanges go on', () => ({ target: world.gateway.broker.names.mounts.kv })],
  ['issuer', 'no exchange', () => ({ issuer: 'dev' })],
];

describe.each(KILLS)(
  'a kill of a %s, while workers lease, call and stream at three replicas',
  (kind, exchange, selectorOf) => {
    it('lets nothing succeed that begins after its answer, and cuts every stream within a second', async () => {
      const { broker } = world.gateway;
      const grant = `loop-${kind}`;
      const subject = `${WORKER_SUBJECT}/${grant}`;
      await world.grant(grant, subject);
      const workers = world.urls.map((url) => new LoopingWorker(world, url, subject, grant));
      const attempts = () => workers.flatMap((worker) => worker.attempts);
      const streams = () => workers.flatMap((worker) => worker.streams);
      await until(() => workers.every((worker) => worker.streams.length >= 2), WAIT);
      const [run] = await broker.query<{ id: string }>('SELECT id FROM runs WHERE subject = $1', [subject]);

      const selector = selectorOf({ subject, grant, run: run?.id ?? '' });
      const answer = await world.gateway.admin('POST', '/v1/revocations', { selector, reason: 'stolen' });
      const answeredMs = performance.now();
      expect(answer.status).toBe(200);
      const after = () => attempts().filter(({ atMs }) => atMs > answeredMs);
      await until(
        () =>
          (['lease', 'call', 'stream'] as const).every(
            (what) => after().filter((each) => each.what === what).length >= 6,
          ),
        WAIT,
      );
      await until(() => streams().every(({ ended }) => ended !== undefined), {
        ...WAIT,
        what: 'the end of the streams',
      });
      await Promise.all(workers.map((worker) => worker.stop()));

      const refused =
        exchange === 'no exchange' ? after() : after().filter(({ what }) => what !== 'exchange');
      expect(refused.filter(({ status }) => status < 300)).toEqual([]);
      expect(refused.every(({ status }) => status >= 400 && status < 500)).toBe(true);
      expect(streams().map(({ ended }) => ended?.how)).toEqual(streams().map(() => 'cut'));
      const latest = Math.max(...streams().map(({ ended }) => ended?.atMs ?? Infinity));
      expect(latest - answeredMs).toBeLessThan(CUT_WITHIN_MS);
      await until(() => world.streams.every(({ destroyed }) => destroyed), {
        what: 'the end at the provider',
      });

      // A call is written down as ended once its stream is.
      const left = (): Promise<{ leases: number; calls: number }[]> =>
        broker.query(
          `SELECT (SELECT count(*)::int FROM leases l JOIN runs r ON r.id = l.run_ref
           WHERE r.subject = $1 AND l.ended_at IS NULL) AS leases,
         (SELECT count(*)::int FROM calls c WHERE c.subject = $1 AND c.state = 'open') AS calls`,
          [subject],
        );
      await until(async () => (await left()).every(({ leases, calls }) => leases + calls === 0), {
        ...WAIT,
        what: 'the end of every lease and call',
      });
    }, 400_000);
  },
);
