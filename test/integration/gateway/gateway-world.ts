import { randomBytes } from 'node:crypto';
import type { ToolSpecInput } from '../../../src/gateway/tool/tool-spec.js';
import type { ApiAnswer } from '../../support/api-call.js';
import { until } from '../../support/until.js';
import { startUpstream, type Upstream } from '../../support/upstream.js';
import { startWorld, WORKER_SUBJECT, type World, type WorldOptions } from '../../support/world.js';

/** What a tool of these tests says besides its name and path. */
export type ToolWish = Partial<ToolSpecInput> & { readonly name: string; readonly path?: string };

/** An event of a call, as it lies in the log. */
export interface CallEvent {
  readonly kind: string;
  readonly outcome: string;
  readonly code?: string;
  readonly step_id?: string;
  readonly run?: { readonly ref: string; readonly run_id: string };
  readonly tool?: { readonly name: string; readonly version?: number };
  readonly data: Readonly<Record<string, unknown>>;
}

/** A broker, a provider over TLS with a key of its own, and tools for it. */
export class GatewayWorld {
  private constructor(
    readonly broker: World,
    readonly upstream: Upstream,
    /** The provider's key; only Vault and the provider know it. */
    readonly key: string,
  ) {}

  static async start(options: WorldOptions = {}): Promise<GatewayWorld> {
    const [broker, upstream] = await Promise.all([startWorld(options), startUpstream()]);
    const key = `pk-${randomBytes(18).toString('hex')}`;
    const world = new GatewayWorld(broker, upstream, key);
    try {
      const { kv } = broker.names.mounts;
      await broker.vault.call('POST', `${kv}/data/provider`, { data: { api_key: key } });
      await broker.addCredential({
        name: 'provider',
        kind: 'kv',
        mount: kv,
        path: 'provider',
        deliveries: ['gateway'],
      });
      return world;
    } catch (error) {
      await world.stop();
      throw error;
    }
  }

  /** A GET of `/NAME` with the provider's key as bearer, unless told. */
  spec({ path, ...wish }: ToolWish): ToolSpecInput {
    return {
      method: 'GET',
      url: `${this.upstream.origin}${path ?? `/${wish.name}`}`,
      internal: true,
      ca_file: this.upstream.caFile,
      credential: { name: 'provider', inject: { as: 'bearer' } },
      ...wish,
    };
  }

  /** Creates tools. */
  async tools(...wishes: readonly ToolWish[]): Promise<void> {
    for (const wish of wishes) {
      const { status, body } = await this.admin('POST', '/v1/tools', this.spec(wish));
      if (status !== 201) throw new Error(`${wish.name}: ${status} ${JSON.stringify(body)}`);
    }
  }

  /** Creates a grant for tools, and answers a run token under it. */
  async runWith(
    name: string,
    tools: readonly (string | Readonly<Record<string, unknown>>)[],
    wanted: { readonly runId?: string; readonly stepId?: string } = {},
  ): Promise<string> {
    const sub = `${WORKER_SUBJECT}/${name}`;
    const { status, body } = await this.admin('POST', '/v1/grants', {
      name,
      issuer: 'dev',
      workload: { claims: { sub } },
      run: { from: 'asserted', step_from: 'asserted', max_duration_seconds: 3_600 },
      credentials: [],
      tools: tools.map((tool) => (typeof tool === 'string' ? { name: tool } : tool)),
    });
    if (status !== 201) throw new Error(`grant ${name}: ${status} ${JSON.stringify(body)}`);
    return this.runToken(name, wanted);
  }

  /** A run token under a grant that {@link runWith} made. */
  async runToken(
    grant: string,
    wanted: { readonly runId?: string; readonly stepId?: string } = {},
  ): Promise<string> {
    const subjectToken = await this.broker.workerToken({ sub: `${WORKER_SUBJECT}/${grant}` });
    return this.broker.runToken({ runId: `run-of-${grant}`, ...wanted, subjectToken });
  }

  /** `POST /v1/tools/{name}/call`. */
  call(
    token: string,
    tool: string,
    args: Readonly<Record<string, unknown>> = {},
    more: { readonly step_id?: string; readonly headers?: Readonly<Record<string, string>> } = {},
  ): Promise<ApiAnswer> {
    const { headers = {}, ...fields } = more;
    return this.broker.call('POST', `/v1/tools/${tool}/call`, {
      token,
      headers,
      body: { arguments: args, ...fields },
    });
  }

  async admin(method: string, path: string, body?: unknown, headers = {}): Promise<ApiAnswer> {
    const token = await this.broker.adminToken();
    return this.broker.call(method, path, { token, headers, ...(body === undefined ? {} : { body }) });
  }

  /** The events of calls that hold for `matches`, oldest first, once there are `count` of them in the log. */
  events(count: number, matches: (event: CallEvent) => boolean): Promise<readonly CallEvent[]> {
    return until(
      async () => {
        const rows = await this.broker.query<{ leaf: Buffer }>(
          `SELECT leaf FROM audit_entry WHERE kind LIKE 'call.%' ORDER BY idx`,
        );
        const events = rows.map(({ leaf }) => JSON.parse(leaf.toString('utf8')) as CallEvent).filter(matches);
        return events.length >= count ? events : undefined;
      },
      { what: `${count} events of calls` },
    );
  }

  async stop(): Promise<void> {
    await this.broker.stop();
    await this.upstream.stop();
  }
}

/** The fields of an answer's body. */
export function fieldsOf(answer: ApiAnswer): Readonly<Record<string, unknown>> {
  return answer.body as Readonly<Record<string, unknown>>;
}
