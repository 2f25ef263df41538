import { Pool } from 'undici';
import type { Clock } from '../kernel/clock.js';
import type { Secret } from '../kernel/secret.js';
import { exchange, ExchangeTimeout } from './exchange.js';
import { exposeBody } from './request-body.js';
import { scrubErrors } from './scrub.js';
import { TlsFiles } from './tls-files.js';
import { VaultError } from './vault-error.js';
import { faultOfAnswer, faultOfConnection } from './vault-fault.js';

/** Where Vault is and how it is reached. */
export interface TransportOptions {
  /** Base URL; a path in it (a reverse proxy's prefix) is kept. */
  readonly address: string;
  /** Further origins that a standby may send us to; only they and `address` ever get a token. */
  readonly redirectAddresses: readonly string[];
  /** PEM file of the CA, which then replaces the system's. */
  readonly caFile: string | undefined;
  /** PEM files of the client certificate, with its chain, and its key; both or neither. Read again when they change. */
  readonly clientCertFile?: string | undefined;
  readonly clientKeyFile?: string | undefined;
  /** Longest single call, connecting and waiting for a free connection included. */
  readonly timeoutMs: number;
  /** Most connections to one origin. */
  readonly connections: number;
}

/** One request as it goes out. Secrets are exposed here and nowhere before. */
export interface TransportRequest {
  readonly operation: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Encoded path and query, from the leading slash. */
  readonly target: string;
  readonly token: Secret | undefined;
  readonly namespace: string | undefined;
  readonly wrapSeconds: number | undefined;
  readonly body: Readonly<Record<string, unknown>> | undefined;
  readonly timeoutMs: number | undefined;
}

/** A successful answer: 200 with a body, or 204. */
export interface TransportAnswer {
  readonly statusCode: 200 | 204;
  readonly body: unknown;
}

const KEEP_ALIVE_MS = 20_000;
const LARGEST_ANSWER_BYTES = 32 * 1_048_576;
const MOST_REDIRECTS = 2;

/**
 * HTTP to Vault with undici: a keep-alive pool per configured origin, one deadline for the whole call, no proxy from
 * the environment. Redirects are followed only as a standby sends them (307 and 308) and only to a configured origin,
 * with the path that *we* asked for: a token never goes to a host that settings do not name. Fails with {@link VaultError}.
 */
export class VaultTransport {
  readonly #home: string;
  readonly #prefix: string;
  readonly #timeoutMs: number;
  readonly #tls: TlsFiles;
  readonly #pools: ReadonlyMap<string, Pool>;

  constructor(
    options: TransportOptions,
    private readonly clock: Clock,
  ) {
    const address = new URL(options.address);
    this.#home = address.origin;
    this.#prefix = address.pathname.replace(/\/+$/, '');
    this.#timeoutMs = options.timeoutMs;
    this.#tls = new TlsFiles(options);
    const origins = new Set([this.#home, ...options.redirectAddresses.map((url) => new URL(url).origin)]);
    this.#pools = new Map(
      [...origins].map((origin) => [
        origin,
        new Pool(origin, {
          connections: options.connections,
          keepAliveTimeout: KEEP_ALIVE_MS,
          maxResponseSize: LARGEST_ANSWER_BYTES,
          // The deadline of the call covers these.
          headersTimeout: 0,
          bodyTimeout: 0,
          connect: this.#tls.connector,
        }),
      ]),
    );
  }

  /** Sends a request. Anything but 200 and 204 is thrown. */
  async send(request: TransportRequest): Promise<TransportAnswer> {
    const timeoutMs = request.timeoutMs ?? this.#timeoutMs;
    try {
      const answer = await this.#follow(request, timeoutMs);
      this.#tls.answered();
      return answer;
    } catch (error) {
      if (error instanceof VaultError) throw error;
      const { operation } = request;
      if (error instanceof ExchangeTimeout)
        throw VaultError.of('timeout', { operation, reason: `no answer in ${timeoutMs} ms` });
      const name = nameOfFault(error);
      const reason = name === 'UND_ERR_SOCKET' ? (this.#tls.alert ?? name) : name;
      throw VaultError.of(faultOfConnection(reason), { operation, reason });
    }
  }

  /** Ends all connections, those in use too. */
  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.destroy()));
  }

  async #follow(request: TransportRequest, timeoutMs: number): Promise<TransportAnswer> {
    let origin = this.#home;
    let prefix = this.#prefix;
    const headers = headersOf(request);
    const { text: body, secrets } = exposeBody(request.body);
    const deadlineMs = this.clock.monotonicMs() + timeoutMs;
    for (let redirects = 0; ; redirects += 1) {
      const pool = this.#pools.get(origin);
      if (pool === undefined) throw new RangeError('a redirect to an origin without a pool was let through');
      const sent = {
        path: `${prefix}${request.target}`,
        method: request.method,
        headers,
        body: body ?? null,
      };
      const answer = await exchange(
        pool,
        sent,
        redirects === 0 ? timeoutMs : deadlineMs - this.clock.monotonicMs(),
      );
      if (answer.statusCode === 307 || answer.statusCode === 308) {
        origin = this.#redirected(answer.headers['location'], origin, request.operation, redirects);
        prefix = origin === this.#home ? this.#prefix : '';
        continue;
      }
      if (answer.statusCode === 204) return { statusCode: 204, body: undefined };
      const parsed = parseJson(answer.text);
      if (answer.statusCode === 200 && parsed !== undefined) return { statusCode: 200, body: parsed };
      throw failureOf(request, secrets, answer.statusCode, parsed, answer.headers['retry-after']);
    }
  }

  #redirected(
    location: string | string[] | undefined,
    from: string,
    operation: string,
    redirects: number,
  ): string {
    const refuse = (reason: string): never => {
      throw VaultError.of('redirect_refused', { operation, reason });
    };
    if (redirects >= MOST_REDIRECTS) refuse('redirected too often');
    if (typeof location !== 'string' || !URL.canParse(location, from)) return refuse('redirected to nowhere');
    const { origin } = new URL(location, from);
    if (!this.#pools.has(origin)) refuse(`redirected to ${origin}, which is not a configured address`);
    return origin;
  }
}

function headersOf(request: TransportRequest): Record<string, string> {
  // X-Vault-Request is what agents and proxies ask for against forged requests; plain Vault ignores it.
  const headers: Record<string, string> = { accept: 'application/json', 'x-vault-request': 'true' };
  if (request.body !== undefined) headers['content-type'] = 'application/json';
  if (request.token !== undefined) headers['x-vault-token'] = request.token.expose();
  if (request.namespace !== undefined) headers['x-vault-namespace'] = request.namespace;
  if (request.wrapSeconds !== undefined) headers['x-vault-wrap-ttl'] = `${request.wrapSeconds}s`;
  return headers;
}

function failureOf(
  request: TransportRequest,
  bodySecrets: readonly string[],
  httpStatus: number,
  body: unknown,
  retryAfter: string | string[] | undefined,
): VaultError {
  const { operation } = request;
  if (httpStatus === 200) {
    return new VaultError('vault_unavailable', { operation, httpStatus, reason: 'the answer is not JSON' });
  }
  const token = request.token === undefined ? [] : [request.token.expose()];
  const errors = scrubErrors(body, [...token, ...bodySecrets]);
  const wait =
    typeof retryAfter === 'string' && /^\d{1,5}$/.test(retryAfter) ? Number(retryAfter) : undefined;
  return VaultError.of(faultOfAnswer(operation, httpStatus, errors), {
    operation,
    httpStatus,
    errors,
    retryAfterSeconds: wait,
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The name of a transport's error. Its message and its own fields stay behind: they may have raw bytes in them. */
function nameOfFault(error: unknown): string {
  if (!(error instanceof Error)) return 'no answer';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.name;
}
