/** One call of the broker's API, as the client makes it. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path with its segments already encoded; see {@link apiPath}. */
  readonly path: string;
  /** Query parameters; `undefined` ones are left out, lists are repeated. */
  readonly query?: Readonly<Record<string, QueryValue>> | undefined;
  /** JSON body. */
  readonly body?: unknown;
  /** A body that is a file of records, instead of JSON. */
  readonly records?: { readonly mediaType: string; readonly text: string } | undefined;
  /** Media type of the answer; JSON unless told. */
  readonly accept?: string | undefined;
  /** Form body, for the OAuth endpoints; asked for anew at each attempt, so that a single-use token is never sent twice. */
  readonly form?: () => Promise<Readonly<Record<string, string | undefined>>>;
  /** Version that a change is based on. */
  readonly ifMatch?: number | undefined;
  /** One key for all attempts of a POST; made up when absent. */
  readonly idempotencyKey?: string | undefined;
  /** Must not happen twice: not tried again when its answer was lost. */
  readonly once?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type QueryValue = string | number | boolean | readonly string[] | undefined;

/** An answer, with what matters of its headers. */
export interface Answer<T> {
  readonly body: T;
  readonly status: number;
  /** The broker's clock when it answered, in milliseconds since the epoch; exact to a second. */
  readonly serverTimeMs: number;
}

/** Builds a path; each value becomes one encoded segment, so none of them can climb out of it. */
export function apiPath(parts: TemplateStringsArray, ...values: readonly string[]): string {
  return parts.reduce((path, part, index) => {
    const value = values[index - 1] ?? '';
    if (value === '' || value === '.' || value === '..') {
      throw new TypeError(`${JSON.stringify(value)} is not an id or name`);
    }
    return `${path}${encodeURIComponent(value)}${part}`;
  });
}

/** The address of a request below the broker's URL. */
export function requestUrl(baseUrl: URL, request: ApiRequest): URL {
  const url = new URL(baseUrl);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}${request.path}`;
  for (const [name, value] of Object.entries(request.query ?? {})) {
    if (value === undefined) continue;
    for (const each of Array.isArray(value) ? value : [value]) url.searchParams.append(name, String(each));
  }
  return url;
}
