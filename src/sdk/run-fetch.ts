import type { RunAccess, RunToken } from './run-access.js';
import type { Surroundings } from './surroundings.js';

type Fetch = typeof fetch;
type Input = Parameters<Fetch>[0];

/**
 * A `fetch` that carries the run token, for clients of others that talk to the broker: a provider's own SDK on the
 * transparent route, an MCP client. A token that the broker no longer takes is exchanged anew, once, unless the body is
 * a stream, which cannot be sent twice. Nothing is sent to another origin, and no redirect is followed: both would
 * carry the token elsewhere.
 */
export function runFetch(broker: URL, access: RunAccess, surroundings: Surroundings): Fetch {
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.origin !== broker.origin) throw new TypeError(`this fetch only calls ${broker.origin}`);
    const method = init?.method ?? (input instanceof Request ? input.method : 'GET');
    const send = async (token: RunToken): Promise<Response> => {
      const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
      const authorization = await access.authorize(token)({ method, url, signal: init?.signal ?? undefined });
      for (const [name, value] of Object.entries(authorization)) headers.set(name, value);
      return surroundings.fetch(input, { ...init, headers, redirect: 'manual' });
    };
    const token = await access.token();
    const answer = await send(token);
    if (!isStale(answer) || !canRepeat(input, init) || !access.drop(token)) return answer;
    await answer.body?.cancel();
    return send(await access.token());
  };
}

/** Whether the broker says that it is the token: then nothing was done (RFC 6750 §3.1). */
function isStale({ status, headers }: Response): boolean {
  return status === 401 && /\brun_token_(expired|invalid)\b/.test(headers.get('www-authenticate') ?? '');
}

function canRepeat(input: Input, init: RequestInit | undefined): boolean {
  const body = init?.body;
  if (body === undefined || body === null) return !(input instanceof Request) || input.body === null;
  return typeof body === 'string' || body instanceof URLSearchParams || ArrayBuffer.isView(body);
}
