import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Pool } from 'undici';
import { Clock } from '../../kernel/clock.js';
import { Settings } from '../../settings/schema.js';
import { vettedConnector } from './connector.js';
import { ConnectFault } from './fault.js';
import type { InjectedRequest } from './outbound-request.js';

type ClientCertificate = InjectedRequest['clientCertificate'];

/** What tells connections apart: nothing else of a request is tied to one. */
export interface PoolKey {
  readonly url: URL;
  readonly address: string;
  readonly clientCertificate: ClientCertificate;
  readonly caFile: string | undefined;
}

/** Connections to one vetted address. */
export interface VettedPool {
  readonly pool: Pool;
  /** Requests that wait for a connection. Nothing is connected without one: undici would replace an aborted one's. */
  readonly demand: { waiting: number };
  readonly atMs: number;
}

const MOST_POOLS = 1_024;
/** So that a CA file that was replaced is read again. */
const POOL_AGE_MS = 600_000;
const CONNECT_MS = 5_000;
const IDLE_CONNECTION_MS = 20_000;
const IDLE_BODY_MS = 90_000;
const LARGEST_HEAD_BYTES = 32_768;

/** Keep-alive connections, one pool for each origin, vetted address and client certificate. */
@Injectable()
export class OutboundPools implements OnApplicationShutdown {
  readonly #connections: number;
  readonly #pools = new LRUCache<string, VettedPool>({
    max: MOST_POOLS,
    // Closing lets what is under way end.
    dispose: ({ pool }) => void pool.close().catch(() => undefined),
  });

  constructor(
    private readonly clock: Clock,
    settings: Settings,
  ) {
    this.#connections = settings.values.gateway.connectionsPerHost;
  }

  /** Whether connections of this kind are there or were a moment ago. */
  has(key: PoolKey): boolean {
    return this.#pools.has(nameOf(key));
  }

  /** The pool for a vetted address. Fails with {@link ConnectFault} when the CA file cannot be read. */
  get(key: PoolKey): VettedPool {
    const name = nameOf(key);
    const known = this.#pools.get(name);
    if (known !== undefined && this.clock.monotonicMs() - known.atMs < POOL_AGE_MS) return known;
    const made = this.#create(key);
    this.#pools.set(name, made);
    return made;
  }

  /** Ends all connections, those in use too. */
  async onApplicationShutdown(): Promise<void> {
    const pools = [...this.#pools.values()].map(({ pool }) => pool);
    await Promise.all(pools.map((pool) => pool.destroy()));
    this.#pools.clear();
  }

  #create({ url, address, clientCertificate, caFile }: PoolKey): VettedPool {
    const demand = { waiting: 0 };
    const pool = new Pool(url.origin, {
      connections: this.#connections,
      pipelining: 1,
      keepAliveTimeout: IDLE_CONNECTION_MS,
      keepAliveMaxTimeout: IDLE_CONNECTION_MS,
      maxHeaderSize: LARGEST_HEAD_BYTES,
      // The deadline of the call covers the time to the first byte.
      headersTimeout: 0,
      bodyTimeout: IDLE_BODY_MS,
      connect: vettedConnector({
        address,
        host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
        ca: caFile === undefined ? undefined : readCa(caFile),
        client: clientCertificate?.expose(),
        wanted: () => demand.waiting > 0,
        timeoutMs: CONNECT_MS,
      }),
    });
    return { pool, demand, atMs: this.clock.monotonicMs() };
  }
}

function nameOf({ url, address, clientCertificate, caFile }: PoolKey): string {
  return `${url.protocol}//${url.host} ${address} ${digestOf(clientCertificate)} ${caFile ?? ''}`;
}

/** Two workloads with different certificates must never share a connection. */
function digestOf(certificate: ClientCertificate): string {
  if (certificate === undefined) return '';
  const { cert, key } = certificate.expose();
  return createHash('sha256')
    .update(JSON.stringify([cert, key]))
    .digest('base64');
}

function readCa(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConnectFault('upstream_tls_refused', 'ca_file of the tool cannot be read', error);
  }
}
