import type { ApiRequest, QueryValue } from './api-request.js';
import type { TokenSource } from './token-sources.js';
import type { Authorize, StreamedAnswer, Transport } from './transport.js';

/** One page of a list; `next_cursor` is null on the last one. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}

/** Filters of a list; each list knows its own. */
export type Filters = Readonly<Record<string, QueryValue>>;

/** Calls of the admin API, with the bearer of whoever calls. */
export class AdminCalls {
  readonly #authorize: Authorize;

  constructor(
    private readonly transport: Transport,
    tokenSource: TokenSource,
  ) {
    this.#authorize = async ({ signal }) => ({ authorization: `Bearer ${await tokenSource(signal)}` });
  }

  async send<T>(request: ApiRequest): Promise<T> {
    return (await this.transport.json<T>(request, this.#authorize)).body;
  }

  get<T>(path: string, query?: Filters): Promise<T> {
    return this.send({ method: 'GET', path, query });
  }

  post<T>(path: string, body: object = {}): Promise<T> {
    return this.send({ method: 'POST', path, body });
  }

  put<T>(path: string, body: unknown, ifMatch: number): Promise<T> {
    return this.send({ method: 'PUT', path, body, ifMatch });
  }

  stream(
    path: string,
    query: Filters,
    signal?: AbortSignal,
    accept?: string,
  ): Promise<ReadableStream<Uint8Array>> {
    return this.transport.stream({ method: 'GET', path, query, signal, accept }, this.#authorize);
  }

  /** As {@link stream}, with the headers of the answer. */
  streamed(path: string, query: Filters, signal?: AbortSignal): Promise<StreamedAnswer> {
    return this.transport.streamed({ method: 'GET', path, query, signal }, this.#authorize);
  }

  /** An answer that is text. */
  async text(path: string): Promise<string> {
    return new Response(await this.stream(path, {})).text();
  }

  /** Every item of a list, page by page as they are asked for. */
  async *all<T>(path: string, filters: Filters = {}): AsyncGenerator<T, void, undefined> {
    let cursor: string | null = null;
    do {
      const page: Page<T> = await this.get(path, { ...filters, cursor: cursor ?? undefined });
      yield* page.items;
      cursor = page.next_cursor;
    } while (cursor !== null);
  }
}
