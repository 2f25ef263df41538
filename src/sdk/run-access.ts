import { inspect } from 'node:util';
import type { TokenView } from './api-types.js';
import { LeasegateError } from './leasegate-error.js';
import type { ProofKey } from './proof-key.js';
import type { TokenSource } from './token-sources.js';
import type { Authorize, Transport } from './transport.js';

/** What an exchange asks for besides proving who asks. */
export interface WantedRun {
  /** The run, where the grant lets the workload name it. */
  readonly runId?: string | undefined;
  readonly stepId?: string | undefined;
  /** The grant, where more than one matches. */
  readonly grant?: string | undefined;
  /** Narrows the token to these credentials. */
  readonly credentials?: readonly string[] | undefined;
  /** Narrows the token to these tools; with neither, it is for all that the grant allows. */
  readonly tools?: readonly string[] | undefined;
}

/** A run token, and what it is for. Prints without the token. */
export class RunToken {
  readonly #accessToken: string;

  constructor(
    accessToken: string,
    readonly tokenType: 'Bearer' | 'DPoP',
    /** By the broker's clock as seen from here, in milliseconds since the epoch. */
    readonly expiresAtMs: number,
    readonly lifetimeMs: number,
    readonly runId: string | undefined,
    readonly stepId: string | undefined,
    readonly grant: string | undefined,
    readonly scope: string | undefined,
  ) {
    this.#accessToken = accessToken;
  }

  /** The token itself: whoever has it can lease for the run. */
  expose(): string {
    return this.#accessToken;
  }

  [inspect.custom](): string {
    return `[run token: run ${this.runId ?? 'unknown'}]`;
  }
}

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt';
const RENEW_BEFORE_MS = 60_000;

/**
 * Keeps a run token: exchanges the platform's token (RFC 8693) when one is first needed, and again a minute (or, for
 * short ones, a fifth of the life) before it expires. Calls that need one at the same time share one exchange.
 */
export class RunAccess {
  #current: RunToken | undefined;
  #pending: Promise<RunToken> | undefined;

  constructor(
    private readonly transport: Transport,
    private readonly source: TokenSource | undefined,
    private readonly wanted: WantedRun,
    private readonly key: ProofKey | undefined,
    given?: string,
  ) {
    if (given !== undefined) {
      const type = key === undefined ? 'Bearer' : 'DPoP';
      this.#current = new RunToken(given, type, Infinity, Infinity, ...NOTHING_KNOWN);
    }
  }

  /** A run token that is good for a while. */
  async token(): Promise<RunToken> {
    const current = this.#current;
    if (current === undefined) return this.exchange();
    const nowMs = this.transport.surroundings.nowMs();
    if (nowMs < current.expiresAtMs - Math.min(RENEW_BEFORE_MS, current.lifetimeMs / 5)) return current;
    try {
      return await this.exchange();
    } catch (error) {
      // The old token still works for the rest of its life; the next call tries again.
      if (this.transport.surroundings.nowMs() < current.expiresAtMs - 1000) return current;
      throw error;
    }
  }

  /** Exchanges now; whoever asks meanwhile gets the same answer. */
  exchange(): Promise<RunToken> {
    this.#pending ??= this.#exchange().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  /** Forgets a token that the broker refused; answers whether another can be had. */
  drop(token: RunToken): boolean {
    if (this.#current === token && this.source !== undefined) this.#current = undefined;
    return this.source !== undefined;
  }

  /** Headers that authorise one request with that token. */
  authorize(token: RunToken): Authorize {
    return async ({ method, url }) => {
      const accessToken = token.expose();
      const authorization = `${token.tokenType} ${accessToken}`;
      if (this.key === undefined || token.tokenType === 'Bearer') return { authorization };
      const nowMs = this.transport.surroundings.nowMs();
      return { authorization, dpop: await this.key.proof({ method, url, nowMs, accessToken }) };
    };
  }

  async #exchange(): Promise<RunToken> {
    const { source, wanted, key } = this;
    if (source === undefined) {
      throw new LeasegateError({
        code: 'identity_missing',
        status: 0,
        detail:
          'There is no platform token to exchange: set LEASEGATE_OIDC_TOKEN_FILE or LEASEGATE_OIDC_TOKEN, or pass a token source.',
      });
    }
    const scope = [
      ...(wanted.grant === undefined ? [] : [`grant:${wanted.grant}`]),
      ...(wanted.credentials ?? []).map((name) => `credential:${name}`),
      ...(wanted.tools ?? []).map((name) => `tool:${name}`),
    ].join(' ');
    const startedMs = this.transport.surroundings.nowMs();
    const { body } = await this.transport.json<TokenView>(
      {
        method: 'POST',
        path: '/oauth2/token',
        form: async () => ({
          grant_type: EXCHANGE,
          subject_token: await source(),
          subject_token_type: JWT_TYPE,
          scope: scope === '' ? undefined : scope,
          run_id: wanted.runId,
          step_id: wanted.stepId,
        }),
      },
      key &&
        (async ({ method, url }) => ({
          dpop: await key.proof({ method, url, nowMs: this.transport.surroundings.nowMs() }),
        })),
    );
    const lifetimeMs = body.expires_in * 1000;
    const token = new RunToken(
      body.access_token,
      body.token_type,
      startedMs + lifetimeMs,
      lifetimeMs,
      body.run_id,
      body.step_id,
      body.grant,
      body.scope,
    );
    this.#current = token;
    return token;
  }
}

const NOTHING_KNOWN = [undefined, undefined, undefined, undefined] as const;
