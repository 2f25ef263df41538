import { apiPath, type Answer, type ApiRequest } from './api-request.js';
import type { IssuedLease, LeaseView, RunEndView, RunView } from './api-types.js';
import { HeldCredential } from './held-credential.js';
import { HeldLease } from './held-lease.js';
import { hasErrorCode } from './leasegate-error.js';
import type { ProofKey } from './proof-key.js';
import { RunAccess, type RunToken, type WantedRun } from './run-access.js';
import { runFetch } from './run-fetch.js';
import { platformTokenSource, type TokenSource } from './token-sources.js';
import type { ToolAnswer, ToolArguments, ToolCallOptions } from './tool-call.js';
import { Transport, type TransportOptions } from './transport.js';

/** Options of a {@link LeasegateClient}. */
export interface LeasegateClientOptions extends TransportOptions, WantedRun {
  /** The platform's token; unless given, what the environment offers ({@link platformTokenSource}). */
  readonly tokenSource?: TokenSource | undefined;
  /** A run token that was exchanged elsewhere; used until it expires, then `tokenSource` if there is one. */
  readonly runToken?: string | undefined;
  /** Binds run tokens to this key (DPoP). */
  readonly proofKey?: ProofKey | undefined;
}

/** Options of {@link LeasegateClient.lease}. */
export interface LeaseOptions {
  /** Time to live in seconds; the catalogue's default unless given. */
  readonly ttlSeconds?: number | undefined;
  readonly delivery?: 'inline' | 'wrapped' | undefined;
  /** The step that the lease is for, where it is not the run token's. */
  readonly stepId?: string | undefined;
  /** Renews in the background; true unless told. */
  readonly autoRenew?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link LeasegateClient.credential}. */
export interface CredentialOptions {
  /** Time to live of each lease between renewals, in seconds; the catalogue's default unless given. */
  readonly ttlSeconds?: number | undefined;
  /** The step that the leases are for, where it is not the run token's. */
  readonly stepId?: string | undefined;
  /**
   * How long an old credential keeps working after its replacement was handed over; 60 unless told, and never more
   * than a third of the longest that a lease may live.
   */
  readonly overlapSeconds?: number | undefined;
  /**
   * How long before that the replacement is leased, at a random moment of the first half; 300 unless told, and never
   * more than a third of the longest that a lease may live.
   */
  readonly handoverSeconds?: number | undefined;
  /** Gives up waiting for the first lease. */
  readonly signal?: AbortSignal | undefined;
}

const DEFAULT_OVERLAP_SECONDS = 60;
const DEFAULT_HANDOVER_SECONDS = 300;

/**
 * What a worker talks to: exchanges the platform's token for a run token when needed and leases credentials with it.
 *
 * ```ts
 * const leasegate = new LeasegateClient({ url: 'https://leasegate.example', runId: 'nightly-42', stepId: 'load' });
 * await using orders = await leasegate.lease('orders-readonly');
 * connect({ user: orders.data.username, password: orders.data.password });
 * ```
 */
export class LeasegateClient {
  readonly #transport: Transport;
  readonly #access: RunAccess;
  readonly #held = new Set<HeldLease>();
  readonly #credentials = new Set<HeldCredential>();

  /**
   * `fetch` with the run token, for other clients that call tools through the broker and no other address:
   * `new OpenAI({ baseURL: 'https://leasegate.example/g/openai/v1', apiKey: 'unused', fetch: leasegate.fetch })`.
   */
  readonly fetch: typeof fetch;

  constructor(options: LeasegateClientOptions) {
    this.#transport = new Transport(options);
    const source =
      options.tokenSource ??
      (options.runToken === undefined
        ? platformTokenSource(this.#transport.url.href.replace(/\/+$/, ''))
        : undefined);
    this.#access = new RunAccess(this.#transport, source, options, options.proofKey, options.runToken);
    this.fetch = runFetch(this.#transport.url, this.#access, this.#transport.surroundings);
  }

  /** The run that this client works for. */
  readonly run = {
    /** The run and its leases. */
    get: async (signal?: AbortSignal): Promise<{ run: RunView; leases: LeaseView[] }> =>
      (
        await this.#call<{ run: RunView; leases: LeaseView[] }>({
          method: 'GET',
          path: '/v1/runs/self',
          signal,
        })
      ).body,
    /** Ends the run, and with it every lease of it, also those of other processes. */
    close: async (signal?: AbortSignal): Promise<RunEndView> => {
      const { body } = await this.#call<RunEndView>({ method: 'DELETE', path: '/v1/runs/self', signal });
      for (const held of [...this.#credentials, ...this.#held]) held.forget();
      return body;
    },
  };

  /** The run token in use, exchanged if there is none yet. */
  async runToken(): Promise<RunToken> {
    return this.#access.token();
  }

  /** Exchanges now, whether or not a token is at hand. */
  async exchange(): Promise<RunToken> {
    return this.#access.exchange();
  }

  /** Leases a credential and keeps it renewed. */
  async lease(credential: string, options: LeaseOptions = {}): Promise<HeldLease> {
    const { body, serverTimeMs } = await this.#call<IssuedLease>({
      method: 'POST',
      path: '/v1/leases',
      signal: options.signal,
      body: {
        credential,
        ttl_seconds: options.ttlSeconds,
        delivery: options.delivery,
        step_id: options.stepId,
      },
    });
    const held = new HeldLease({
      view: body.lease,
      serverTimeMs,
      ttlSeconds: options.ttlSeconds,
      credential: body.credential,
      wrapping: body.wrapping,
      autoRenew: options.autoRenew ?? true,
      surroundings: this.#transport.surroundings,
      calls: {
        renew: async (id, ttlSeconds) => {
          const renewed = await this.#renew(id, { ttlSeconds });
          return { lease: renewed.body.lease, serverTimeMs: renewed.serverTimeMs };
        },
        release: (id) => this.releaseLease(id),
      },
    });
    this.#held.add(held);
    held.once('ended', () => this.#held.delete(held));
    return held;
  }

  /**
   * Leases a credential for longer than one lease may live: it is renewed, and replaced in time by a new lease whose
   * credential comes with `rotated`. Ask for `data` whenever a connection is opened, or listen.
   */
  async credential(name: string, options: CredentialOptions = {}): Promise<HeldCredential> {
    const { ttlSeconds, stepId, overlapSeconds, handoverSeconds } = options;
    const lease = (signal: AbortSignal | undefined): Promise<HeldLease> =>
      this.lease(name, { ttlSeconds, stepId, signal });
    const held = new HeldCredential({
      first: await lease(options.signal),
      lease,
      wishes: {
        overlapMs: 1000 * (overlapSeconds ?? DEFAULT_OVERLAP_SECONDS),
        handoverMs: 1000 * (handoverSeconds ?? DEFAULT_HANDOVER_SECONDS),
      },
      surroundings: this.#transport.surroundings,
    });
    this.#credentials.add(held);
    held.once('ended', () => this.#credentials.delete(held));
    return held;
  }

  /** Renews a lease of this run by its id. */
  async renewLease(
    id: string,
    options: { ttlSeconds?: number | undefined; signal?: AbortSignal } = {},
  ): Promise<LeaseView> {
    return (await this.#renew(id, options)).body.lease;
  }

  /** Ends a lease of this run by its id. */
  async releaseLease(id: string, signal?: AbortSignal): Promise<LeaseView> {
    const path = apiPath`/v1/leases/${id}`;
    return (await this.#call<{ lease: LeaseView }>({ method: 'DELETE', path, signal })).body.lease;
  }

  /**
   * Calls a tool. The provider's answer is in `response`, whatever its status; a call that the broker refused or that
   * failed on its way throws. What was refused before it left is tried again where that makes sense; a call whose
   * answer was lost is not, since the provider may have done what was asked.
   */
  async callTool<T = unknown>(
    tool: string,
    args: ToolArguments = {},
    options: ToolCallOptions = {},
  ): Promise<ToolAnswer<T>> {
    const { body } = await this.#call<ToolAnswer<T>>({
      method: 'POST',
      path: apiPath`/v1/tools/${tool}/call`,
      body: { arguments: args, step_id: options.stepId },
      once: true,
      signal: options.signal,
    });
    return body;
  }

  /** Releases everything that this client holds; the first failure is thrown after all were tried. */
  async [Symbol.asyncDispose](): Promise<void> {
    const rotating = [...this.#credentials];
    const rest = await Promise.allSettled(rotating.map((credential) => credential.release()));
    // What the credentials did not release is still among these only if it was leased by itself.
    const leases = await Promise.allSettled([...this.#held].map((lease) => lease.release()));
    const results = [...rest, ...leases];
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  #renew(
    id: string,
    options: { ttlSeconds?: number | undefined; signal?: AbortSignal },
  ): Promise<Answer<{ lease: LeaseView }>> {
    const path = apiPath`/v1/leases/${id}/renew`;
    return this.#call({
      method: 'POST',
      path,
      body: { ttl_seconds: options.ttlSeconds },
      signal: options.signal,
    });
  }

  /** Calls with a run token; one that the broker no longer takes is exchanged anew, once. */
  async #call<T>(request: ApiRequest): Promise<Answer<T>> {
    const token = await abortable(this.#access.token(), request.signal);
    try {
      return await this.#transport.json<T>(request, this.#access.authorize(token));
    } catch (error) {
      const stale = hasErrorCode(error, 'run_token_expired') || hasErrorCode(error, 'run_token_invalid');
      if (!stale || !this.#access.drop(token)) throw error;
      const fresh = await abortable(this.#access.token(), request.signal);
      return this.#transport.json<T>(request, this.#access.authorize(fresh));
    }
  }
}

/** Lets one caller give up on an exchange that others still wait for. */
async function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  signal.throwIfAborted();
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
