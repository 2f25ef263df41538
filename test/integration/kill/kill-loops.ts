import type { ServerResponse } from 'node:http';
import { apiCall, type ApiCall } from '../../support/api-call.js';
import { GatewayWorld } from '../gateway/gateway-world.js';

/** The credential of these tests; it can be leased, and tools are called with it. */
export const CREDENTIAL = 'both';
/** Streams that one worker has open at most, so that the provider is not all that is measured. */
const MOST_STREAMS = 4;

/** Something that a worker tried, and when. */
export interface Attempt {
  readonly what: 'exchange' | 'lease' | 'call' | 'stream';
  /** When it began, on the clock of `performance`. */
  readonly atMs: number;
  readonly status: number;
}

/** A stream that a worker has open. */
export interface OpenStream {
  /** When its end was seen, and how it ended. */
  ended: { readonly atMs: number; readonly how: 'whole' | 'cut' } | undefined;
}

/** Three replicas, and a provider with a tool that answers and one that streams for ever. */
export class KillWorld {
  /** What the provider streams to. */
  readonly streams: ServerResponse[] = [];

  private constructor(
    readonly gateway: GatewayWorld,
    private readonly replicas: readonly { readonly url: string; stop(): Promise<void> }[],
  ) {}

  static async start(): Promise<KillWorld> {
    const gateway = await GatewayWorld.start();
    const { broker, upstream } = gateway;
    const world = new KillWorld(gateway, [await broker.replica(), await broker.replica()]);
    upstream.json('GET', '/ping', { ok: true });
    upstream.on('GET', '/live', (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      world.streams.push(response);
    });
    const { kv } = broker.names.mounts;
    await broker.addCredential({
      name: CREDENTIAL,
      kind: 'kv',
      mount: kv,
      path: 'provider',
      deliveries: ['inline', 'gateway'],
    });
    const credential = { name: CREDENTIAL, inject: { as: 'bearer' } } as const;
    await gateway.tools(
      { name: 'ping', credential },
      { name: 'live', credential, response: { stream: true } },
    );
    return world;
  }

  get urls(): readonly string[] {
    return [this.gateway.broker.baseUrl, ...this.replicas.map(({ url }) => url)];
  }

  /** A grant to `subject` for the credential and both tools. */
  async grant(name: string, subject: string): Promise<void> {
    const { status, body } = await this.gateway.admin('POST', '/v1/grants', {
      name,
      issuer: 'dev',
      workload: { claims: { sub: subject } },
      run: { from: 'asserted', step_from: 'asserted', max_duration_seconds: 3_600 },
      credentials: [{ name: CREDENTIAL }],
      tools: [{ name: 'ping' }, { name: 'live' }],
    });
    if (status !== 201) throw new Error(`${name}: ${status} ${JSON.stringify(body)}`);
  }

  async stop(): Promise<void> {
    for (const replica of this.replicas) await replica.stop();
    await this.gateway.stop();
  }
}

/** A worker in a tight loop at one replica: it exchanges, leases, calls, and opens streams that it keeps. */
export class LoopingWorker {
  readonly attempts: Attempt[] = [];
  readonly streams: OpenStream[] = [];
  readonly done: Promise<void>;
  #stopped = false;
  readonly #abort = new AbortController();

  constructor(
    private readonly world: KillWorld,
    private readonly url: string,
    private readonly subject: string,
    private readonly runId: string,
  ) {
    this.done = this.loop();
  }

  /** Ends the loop, and hangs up what is open. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.done;
    this.#abort.abort();
  }

  private async loop(): Promise<void> {
    // A token that was there before is the one a thief would go on with.
    let token: string | undefined;
    while (!this.#stopped) {
      token = (await this.exchange()) ?? token;
      if (token === undefined) continue;
      await this.attempt('lease', '/v1/leases', { token, body: { credential: CREDENTIAL } });
      await this.attempt('call', '/v1/tools/ping/call', { token, body: {} });
      if (this.streams.filter(({ ended }) => ended === undefined).length < MOST_STREAMS)
        await this.stream(token);
    }
  }

  private async exchange(): Promise<string | undefined> {
    const subjectToken = await this.world.gateway.broker.workerToken({ sub: this.subject });
    const answer = await this.attempt('exchange', '/oauth2/token', {
      form: {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: subjectToken,
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        run_id: this.runId,
        step_id: 'step',
      },
    });
    return (answer as { access_token?: string }).access_token;
  }

  private async attempt(what: Attempt['what'], path: string, call: ApiCall): Promise<unknown> {
    const atMs = performance.now();
    const { status, body } = await apiCall(this.url, 'POST', path, call);
    this.attempts.push({ what, atMs, status });
    return body;
  }

  private async stream(token: string): Promise<void> {
    const atMs = performance.now();
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`${this.url}/g/live/live`, { headers, signal: this.#abort.signal });
    this.attempts.push({ what: 'stream', atMs, status: response.status });
    if (!response.ok) {
      await response.text();
      return;
    }
    const stream: OpenStream = { ended: undefined };
    this.streams.push(stream);
    const how = response.arrayBuffer().then(
      () => 'whole' as const,
      () => 'cut' as const,
    );
    void how.then((ended) => (stream.ended = { atMs: performance.now(), how: ended }));
  }
}
