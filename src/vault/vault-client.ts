import nodeVault from 'node-vault';
import { Clock } from '../kernel/clock.js';
import type { Secret } from '../kernel/secret.js';
import { VaultTransport, type TransportOptions, type TransportRequest } from './transport.js';
import { VaultError } from './vault-error.js';
import { VaultTimings } from './vault-timings.js';

/** One call to Vault's API. */
export interface VaultCall {
  /** Name for metrics and errors, from a fixed set: never a path. */
  readonly operation: string;
  /** `LIST` goes out as `GET ?list=true`, which every proxy lets through; Vault takes both for the same. */
  readonly method: 'GET' | 'POST' | 'DELETE' | 'LIST';
  /** From `vaultPath`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** The token of this call. There is no other: the client keeps none. */
  readonly token?: Secret;
  /** JSON body; its top-level fields may be `Secret`. */
  readonly body?: Readonly<Record<string, unknown>>;
  /** Asks for the answer wrapped, for that many seconds. */
  readonly wrapSeconds?: number;
  /** Longest wait, where it is not the usual. */
  readonly timeoutMs?: number;
  /** False for the few paths that live outside namespaces, such as `sys/health`. */
  readonly namespaced?: boolean;
}

/** How the client reaches Vault. */
export interface VaultClientOptions extends TransportOptions {
  readonly namespace: string | undefined;
}

/**
 * A narrow client over node-vault. Of node-vault it keeps the request path; its transport is ours (the
 * `request-promise` seam), it holds no token and no generated commands (they would store tokens on it and send them
 * later), it takes nothing from the environment, and what it would print under `DEBUG` goes nowhere. Secrets reach it
 * as `Secret` and are opened by the transport only.
 */
export class VaultClient {
  readonly #transport: VaultTransport;
  readonly #vault: nodeVault.client;
  readonly #namespace: string | undefined;

  constructor(
    options: VaultClientOptions,
    private readonly clock: Clock,
    private readonly timings: VaultTimings,
  ) {
    this.#transport = new VaultTransport(options, clock);
    this.#namespace = options.namespace;
    this.#vault = nodeVault({
      endpoint: options.address,
      apiVersion: 'v1',
      commands: {},
      debug: () => undefined,
      'request-promise': { defaults: () => (request: Seam) => this.#send(request) },
    });
    // VAULT_TOKEN, VAULT_NAMESPACE and VAULT_PREFIX have filled these in by now.
    Object.assign(this.#vault, { token: '', namespace: '', pathPrefix: '' });
  }

  /** Makes a call; resolves with the parsed answer, or undefined where Vault answers nothing. Fails with {@link VaultError}. */
  async call(call: VaultCall): Promise<unknown> {
    const started = this.clock.monotonicMs();
    const seam: Seam = {
      method: call.method === 'LIST' ? 'GET' : call.method,
      path: `/${call.path}${queryOf(call)}`,
      call,
    };
    try {
      const answer: unknown = await this.#vault.request(seam);
      this.#observe(call, started, 'ok');
      return answer;
    } catch (error) {
      const failure =
        error instanceof VaultError
          ? error
          : new VaultError('vault_refused', {
              operation: call.operation,
              reason: 'the request was not made',
            });
      this.#observe(call, started, failure.code);
      throw failure;
    }
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    await this.#transport.close();
  }

  #observe(call: VaultCall, startedMs: number, outcome: Parameters<VaultTimings['observe']>[2]): void {
    this.timings.observe(call.operation, (this.clock.monotonicMs() - startedMs) / 1_000, outcome);
  }

  async #send({ call, method, path }: Seam): Promise<object> {
    const request: TransportRequest = {
      operation: call.operation,
      method,
      target: `/v1${path}`,
      token: call.token,
      namespace: call.namespaced === false ? undefined : this.#namespace,
      wrapSeconds: call.wrapSeconds,
      body: call.body,
      timeoutMs: call.timeoutMs,
    };
    // node-vault takes any answer for a path with `sys/health` in it as a success, so it is not shown the path.
    return { ...(await this.#transport.send(request)), request: { path: '' } };
  }
}

function queryOf({ method, query }: VaultCall): string {
  if (method !== 'LIST' && query === undefined) return '';
  const fields = new URLSearchParams(query);
  if (method === 'LIST') fields.set('list', 'true');
  return `?${fields.toString()}`;
}

/** What goes through node-vault: its own two fields, and the call, which it does not look at. */
interface Seam {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly call: VaultCall;
  /** node-vault writes these; nothing reads them. */
  headers?: Record<string, string>;
  uri?: string;
}
