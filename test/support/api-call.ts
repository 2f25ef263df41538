/** What to send with a call of the broker's API. */
export interface ApiCall {
  /** Bearer token. */
  readonly token?: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as a form, instead of `body`. */
  readonly form?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The answer of any status; `body` is parsed where it is JSON, else text. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** Calls the API of a broker. Rejects only when there is no answer. */
export async function apiCall(
  baseUrl: string,
  method: string,
  path: string,
  { token, body, form, headers = {} }: ApiCall,
): Promise<ApiAnswer> {
  const sent =
    form === undefined
      ? body === undefined
        ? {}
        : { body: JSON.stringify(body), type: 'application/json' }
      : { body: new URLSearchParams(form).toString(), type: 'application/x-www-form-urlencoded' };
  const response = await fetch(new URL(path, baseUrl), {
    method,
    headers: {
      ...(sent.type === undefined ? {} : { 'content-type': sent.type }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(sent.body === undefined ? {} : { body: sent.body }),
    redirect: 'manual',
    signal: AbortSignal.timeout(90_000),
  });
  const text = await response.text();
  const json = /\bjson\b/.test(response.headers.get('content-type') ?? '') && text !== '';
  return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text };
}
