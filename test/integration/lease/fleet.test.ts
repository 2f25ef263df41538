import { Agent, createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LeasegateClient } from '../../../src/sdk/leasegate-client.js';
import { vaultParts } from '../../support/parts.js';
import { until } from '../../support/until.js';
import { startWorld, WORKER_SUBJECT, type World } from '../../support/world.js';

/** What each replica lets through and lets wait; small, so that a thousand are far more than fit. */
const ISSUE = { concurrency: 12, queue: 200, waitMs: 10_000 };
const EXCHANGE = { concurrency: 8, queue: 250, waitMs: 10_000 };
const REPLICAS = 3;
const WORKERS = 1_000;
/** Beyond what the SDK tries by itself, a worker starts over with the next replica. */
const STARTS = 40;

let world: World;
let proxy: CountingProxy;
let replicas: { readonly url: string; stop(): Promise<void> }[];

/** A proxy before Vault that sees how many of the calls that make credentials are open at once. */
class CountingProxy {
  readonly #agent = new Agent({ keepAlive: true });
  #open = 0;
  mostOpen = 0;
  made = 0;
  /** Calls that make a credential wait for it. */
  gate: Promise<void> | undefined;

  private constructor(
    readonly server: Server,
    readonly address: string,
  ) {}

  static async start(to: string): Promise<CountingProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const proxy = new CountingProxy(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.on('request', (request, response) => {
      const url = request.url ?? '';
      const counted = /\/(auth\/token\/create|[^/]+\/data)\//.test(url);
      if (counted) proxy.mostOpen = Math.max(proxy.mostOpen, (proxy.#open += 1));
      if (/\/data\//.test(url)) proxy.made += 1;
      response.on('close', () => counted && (proxy.#open -= 1));
      const options = { method: request.method, headers: request.headers, agent: proxy.#agent };
      const pass = (): void => {
        const passed = httpRequest(`${to}${url}`, options, (answer) => {
          response.writeHead(answer.statusCode ?? 500, answer.headers);
          answer.pipe(response);
        });
        passed.on('error', () => response.destroy());
        request.pipe(passed);
      };
      if (counted && proxy.gate !== undefined) void proxy.gate.then(pass);
      else pass();
    });
    return proxy;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
    this.#agent.destroy();
  }
}

beforeAll(async () => {
  proxy = await CountingProxy.start(vaultParts().address);
  world = await startWorld({
    mode: 'process',
    settings: {
      vault: { address: proxy.address },
      log: { level: 'error' },
      leases: { issue: ISSUE },
      runs: { exchange: EXCHANGE },
    },
  });
  await world.createGrant({ name: 'small-job', issuer: 'dev', workload: { claims: { sub: 'jobs/small' } } });
  replicas = [
    { url: world.baseUrl, stop: () => world.stopBroker('SIGKILL') },
    await world.replica(),
    await world.replica(),
  ];
}, 240_000);

afterAll(async () => {
  for (const replica of replicas) await replica.stop().catch(() => undefined);
  await world.stop();
  await proxy.stop();
}, 240_000);

/** One worker of a deploy: exchanges, leases, and tries the next replica when its own is gone. */
async function worker(index: number, sub: string, run: string): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    const { url } = replicas[(index + attempt) % REPLICAS] ?? { url: world.baseUrl };
    const client = new LeasegateClient({
      url,
      runId: `${run}-${index}`,
      stepId: 'start',
      tokenSource: () => world.workerToken({ sub }),
      timeoutMs: 60_000,
    });
    try {
      const lease = await client.lease('payments-api', { autoRenew: false });
      expect(lease.data['api_key']).toBeTypeOf('string');
      return;
    } catch (error) {
      if (attempt >= STARTS) throw error;
    }
  }
}

describe('a request that nobody waits for any more', () => {
  it('is dropped before it is begun, and leaves nothing', async () => {
    const token = await world.runToken({ runId: 'hung-up' });
    const before = proxy.made;
    const hangUp = new AbortController();
    let open = (): void => undefined;
    proxy.gate = new Promise((resolve) => (open = resolve));
    const asked = Array.from({ length: ISSUE.concurrency + 40 }, () =>
      fetch(`${world.baseUrl}/v1/leases`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ credential: 'payments-api' }),
        signal: hangUp.signal,
      }).catch(() => undefined),
    );
    const figure = async (name: string): Promise<number | undefined> => {
      const { body } = await world.call('GET', '/metrics');
      return (
        Number(new RegExp(`^leasegate_queue_${name} (\\d+)`, 'm').exec(String(body))?.[1] ?? 0) || undefined
      );
    };
    // All places are taken, and the others wait.
    await until(async () => (await figure('waiting{queue="issue"}')) === asked.length - ISSUE.concurrency);
    hangUp.abort();
    await Promise.all(asked);
    const dropped = await until(() => figure('refused{queue="issue",code="call_cancelled"}'));
    proxy.gate = undefined;
    open();
    expect(dropped).toBeGreaterThan(0);
    expect(proxy.made - before).toBeLessThanOrEqual(asked.length - dropped);
  });
});

describe('a deploy of a thousand workers at once against three replicas', () => {
  it('ends with a lease for each, and Vault never does more at once than was set; one replica is killed in the middle', async () => {
    proxy.mostOpen = 0;
    const startedMs = performance.now();
    let done = 0;
    let killed: Promise<void> | undefined;
    const crowd = Array.from({ length: WORKERS }, async (_, index) => {
      await worker(index, WORKER_SUBJECT, 'large');
      done += 1;
      if (done > WORKERS / 4) killed ??= replicas[0]?.stop();
    });
    // It comes last, behind the thousand, and does not wait for them.
    const few = Promise.all(
      Array.from({ length: 10 }, (_, index) => worker(index, 'jobs/small', 'small')),
    ).then(() => done);
    await Promise.all(crowd);
    await killed;
    expect(await few).toBeLessThan(WORKERS);
    expect(proxy.mostOpen).toBeLessThanOrEqual(ISSUE.concurrency * REPLICAS);
    const [row] = await world.query<{ count: number }>(
      `SELECT count(DISTINCT r.id)::int AS count FROM leases l JOIN runs r ON r.id = l.run_ref
       WHERE l.state = 'active' AND r.run_id LIKE 'large-%'`,
    );
    expect(row?.count).toBe(WORKERS);
    console.info(`${WORKERS} workers in ${Math.round(performance.now() - startedMs)} ms`);
  }, 400_000);
});
