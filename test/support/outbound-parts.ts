import { Outbound, type OutboundOptions } from '../../src/gateway/destination/outbound.js';
import type { InjectedRequest, OutboundResponse } from '../../src/gateway/destination/outbound-request.js';
import { OwnAddresses } from '../../src/gateway/destination/own-addresses.js';
import { OutboundPools } from '../../src/gateway/destination/pools.js';
import { Resolver } from '../../src/gateway/destination/resolver.js';
import { Destinations } from '../../src/gateway/destination/vet.js';
import { Clock, SystemClock } from '../../src/kernel/clock.js';
import { RandomIds } from '../../src/kernel/ids.js';
import { Settings, settingsSchema } from '../../src/settings/schema.js';

/** A resolver that answers what a test says, and counts what it was asked. */
export class ScriptedResolver extends Resolver {
  readonly asked: string[] = [];
  readonly #answers = new Map<string, (time: number) => readonly string[] | Promise<readonly string[]>>();

  /** Addresses of a name, or what they are the first, second… time that it is asked for (counted from 0). */
  answer(
    name: string,
    addresses: readonly string[] | ((time: number) => readonly string[] | Promise<readonly string[]>),
  ): this {
    this.#answers.set(name, typeof addresses === 'function' ? addresses : () => addresses);
    return this;
  }

  async resolve(name: string): Promise<readonly string[]> {
    const time = this.asked.filter((other) => other === name).length;
    this.asked.push(name);
    const answer = this.#answers.get(name);
    if (answer === undefined) throw new Error('ENOTFOUND');
    return answer(time);
  }
}

/** Settings of which only those of the gateway and the server matter. */
export function gatewaySettings(gateway: object = {}, server: object = {}): Settings {
  const values = settingsSchema.parse({
    database: { url: 'postgres://unused' },
    vault: {
      address: 'http://127.0.0.1:1',
      login: { method: 'approle', roleId: 'role', secretId: 'unused' },
    },
    audit: { hmacKey: 'unused' },
    issuers: [{ name: 'main', url: 'https://issuer.example', audience: 'https://leasegate.example' }],
    gateway,
    server,
  });
  return new (class extends Settings {
    readonly values = values;
  })();
}

/** The way out, put together by hand. */
export interface OutboundParts {
  readonly resolver: ScriptedResolver;
  readonly destinations: Destinations;
  readonly outbound: Outbound;
  /** Sends with options that suit an upstream on loopback. */
  send(
    request: Partial<InjectedRequest> & { url: URL },
    options?: Partial<OutboundOptions>,
  ): Promise<OutboundResponse>;
  stop(): Promise<void>;
}

/** Makes the way out with a resolver that a test scripts. */
export function outboundParts(
  parts: { readonly clock?: Clock; readonly settings?: Settings } = {},
): OutboundParts {
  const { clock = new SystemClock(), settings = gatewaySettings() } = parts;
  const resolver = new ScriptedResolver();
  const destinations = new Destinations(resolver, new OwnAddresses(settings), clock, settings);
  const pools = new OutboundPools(clock, settings);
  const outbound = new Outbound(destinations, pools, clock, new RandomIds(clock));
  return {
    resolver,
    destinations,
    outbound,
    send: (request, options = {}) =>
      outbound.send(
        {
          method: 'GET',
          headers: {},
          body: undefined,
          secrets: [],
          clientCertificate: undefined,
          ...request,
        },
        {
          internal: true,
          redirects: [],
          timeoutMs: 5_000,
          signal: new AbortController().signal,
          retries: 0,
          ...options,
        },
      ),
    stop: () => pools.onApplicationShutdown(),
  };
}

/** The whole body of an answer as text. */
export async function textOf({ body }: Pick<OutboundResponse, 'body'>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
