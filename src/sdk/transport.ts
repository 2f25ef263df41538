import { randomUUID } from 'node:crypto';
import { requestUrl, type Answer, type ApiRequest } from './api-request.js';
import { LeasegateError } from './leasegate-error.js';
import { errorOfAnswer } from './problem.js';
import { DEFAULT_RETRY, retryDelayMs, type RetryPolicy } from './retry.js';
import { machine, type Surroundings } from './surroundings.js';

/** Gives the headers that authorise one attempt. */
export type Authorize = (request: {
  readonly method: string;
  readonly url: URL;
  readonly signal: AbortSignal | undefined;
}) => Promise<Readonly<Record<string, string>>>;

/** An answer whose body comes as it is read. */
export interface StreamedAnswer {
  readonly body: ReadableStream<Uint8Array>;
  readonly headers: Headers;
}

export interface TransportOptions {
  readonly url: string | URL;
  /** Longest wait for one attempt. */
  readonly timeoutMs?: number | undefined;
  readonly retry?: RetryPolicy | undefined;
  readonly userAgent?: string | undefined;
  readonly surroundings?: Surroundings | undefined;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * HTTP to the broker: time limit and abort for each attempt, retries with back-off, never a redirect (it would carry
 * the token elsewhere). A PUT is not repeated after a lost answer: its `If-Match` would refuse what it did itself.
 */
export class Transport {
  readonly url: URL;
  readonly surroundings: Surroundings;
  readonly #timeoutMs: number;
  readonly #retry: RetryPolicy;
  readonly #userAgent: string;

  constructor(options: TransportOptions) {
    this.url = new URL(options.url);
    if (this.url.protocol !== 'https:' && this.url.protocol !== 'http:') {
      throw new TypeError('the URL of the broker must start with https:// or http://');
    }
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#retry = options.retry ?? DEFAULT_RETRY;
    this.#userAgent = options.userAgent ?? 'leasegate-sdk';
    this.surroundings = options.surroundings ?? machine;
  }

  /** Calls and reads a JSON answer; throws {@link LeasegateError}, or the signal's reason. */
  async json<T>(request: ApiRequest, authorize?: Authorize): Promise<Answer<T>> {
    return this.#withRetries(request, authorize, async (response) => {
      const text = await response.text();
      let body: T;
      try {
        // The broker's answers are what its OpenAPI document says, which is where `T` comes from.
        body = (text === '' ? undefined : JSON.parse(text)) as T;
      } catch {
        throw new LeasegateError({
          code: 'broker_answer_unexpected',
          status: response.status,
          detail: 'The answer is not JSON; check the URL.',
        });
      }
      return { body, status: response.status, serverTimeMs: this.#serverTimeMs(response) };
    });
  }

  /** Calls and hands over the body as it comes. The time limit covers the headers; the signal covers all of it. */
  async stream(request: ApiRequest, authorize?: Authorize): Promise<ReadableStream<Uint8Array>> {
    return (await this.streamed(request, authorize)).body;
  }

  /** As {@link stream}, with the headers of the answer. */
  async streamed(request: ApiRequest, authorize?: Authorize): Promise<StreamedAnswer> {
    return this.#withRetries(request, authorize, async ({ status, body, headers }) => {
      if (body === null) {
        throw new LeasegateError({
          code: 'broker_answer_unexpected',
          status,
          detail: 'The answer has no body.',
        });
      }
      return { body, headers };
    });
  }

  async #withRetries<T>(
    request: ApiRequest,
    authorize: Authorize | undefined,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const idempotencyKey =
      request.method === 'POST' && request.form === undefined
        ? (request.idempotencyKey ?? randomUUID())
        : undefined;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#attempt(request, idempotencyKey, authorize, read);
      } catch (error) {
        if (!(error instanceof LeasegateError) || !error.retryable) throw error;
        const once = request.once === true || request.method === 'PUT';
        if (once && error.status === 0) throw error;
        const delayMs = retryDelayMs(this.#retry, attempt, this.surroundings.fraction(), error.retryAfterMs);
        if (delayMs === undefined) throw error;
        await this.surroundings.wait(delayMs, request.signal);
      }
    }
  }

  async #attempt<T>(
    request: ApiRequest,
    idempotencyKey: string | undefined,
    authorize: Authorize | undefined,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const { signal } = request;
    signal?.throwIfAborted();
    const url = requestUrl(this.url, request);
    const authorization = await authorize?.({ method: request.method, url, signal });
    const form = await request.form?.();

    // Not `AbortSignal.any`: on Node 20 it leaks when one of the signals outlives many calls.
    const abort = new AbortController();
    const onAbort = (): void => abort.abort(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    let late = false;
    const cancelLimit = this.surroundings.after(this.#timeoutMs, () => {
      late = true;
      abort.abort();
    });
    let streaming = false;
    try {
      const response = await this.surroundings.fetch(url, {
        method: request.method,
        // An answer of another server that asks to send the token elsewhere; it fails as any answer that is not one.
        redirect: 'manual',
        signal: abort.signal,
        headers: {
          accept: request.accept ?? 'application/json',
          'user-agent': this.#userAgent,
          ...authorization,
          ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
          ...(request.ifMatch !== undefined && { 'if-match': `"${request.ifMatch}"` }),
          ...(request.body !== undefined && { 'content-type': 'application/json' }),
          ...(request.records !== undefined && { 'content-type': request.records.mediaType }),
        },
        ...(request.records !== undefined && { body: request.records.text }),
        ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
        ...(form !== undefined && { body: formBody(form) }),
      });
      if (!response.ok) throw await errorOfAnswer(response, this.surroundings.nowMs());
      const result = await read(response);
      streaming = !response.bodyUsed;
      return result;
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof LeasegateError) throw error;
      throw this.#unreachable(error, late);
    } finally {
      cancelLimit();
      if (!streaming) signal?.removeEventListener('abort', onAbort);
    }
  }

  #unreachable(cause: unknown, late: boolean): LeasegateError {
    return late
      ? new LeasegateError({
          code: 'broker_timeout',
          status: 0,
          detail: `The broker at ${this.url.origin} did not answer within ${this.#timeoutMs} ms.`,
        })
      : new LeasegateError({
          code: 'broker_unreachable',
          status: 0,
          detail: `The broker at ${this.url.origin} cannot be reached (${reasonOf(cause)}).`,
          cause,
        });
  }

  #serverTimeMs(response: Response): number {
    const nowMs = this.surroundings.nowMs();
    const atMs = Date.parse(response.headers.get('date') ?? '');
    // The header is cut to whole seconds; where both clocks agree to the second, ours is the finer one.
    return Number.isNaN(atMs) || (nowMs >= atMs && nowMs < atMs + 1000) ? nowMs : atMs;
  }
}

function formBody(form: Readonly<Record<string, string | undefined>>): URLSearchParams {
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries(form)) if (value !== undefined) body.set(name, value);
  return body;
}

/** `fetch` says only "fetch failed"; the reason is in its cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code;
  return cause instanceof Error ? cause.message : 'unknown reason';
}
