import { timingSafeEqual } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CliError } from '../cli-error.js';

/** A listener on this machine that the issuer sends the browser back to (RFC 8252 §7.3). */
export interface Loopback {
  readonly redirectUri: string;
  /** The address that the browser came back with; rejects when nobody came in time. */
  answer(state: string, timeoutMs: number): Promise<URL>;
  close(): void;
}

const PATH = '/callback';

/** Listens on a free port of 127.0.0.1. Requests that do not carry the state are refused and do not end the wait. */
export async function listenOnLoopback(): Promise<Loopback> {
  let expected: string | undefined;
  let arrived: (url: URL) => void = () => {};
  let stopWaiting = (): void => {};
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', redirectUri);
    if (request.method !== 'GET' || url.pathname !== PATH)
      return respond(response, 404, 'There is nothing here.');
    // DNS rebinding would come with another host.
    if (request.headers.host !== url.host || !sameText(url.searchParams.get('state'), expected)) {
      return respond(response, 400, 'This does not belong to the login that is under way.');
    }
    respond(
      response,
      200,
      url.searchParams.has('error')
        ? 'The login was refused. The terminal says more; you can close this window.'
        : 'Received. The terminal says whether you are logged in; you can close this window.',
    );
    arrived(url);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const redirectUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}${PATH}`;
  return {
    redirectUri,
    answer: (state, timeoutMs) =>
      new Promise((resolve, reject) => {
        expected = state;
        const timer = setTimeout(() => {
          reject(
            new CliError('login_timeout', 'Nobody logged in in time.', {
              next: 'Try again; --timeout waits longer, and automation uses --token-file.',
            }),
          );
        }, timeoutMs);
        stopWaiting = () => clearTimeout(timer);
        arrived = (url) => {
          stopWaiting();
          resolve(url);
        };
      }),
    close: () => {
      stopWaiting();
      server.close();
      server.closeAllConnections();
    },
  };
}

function respond(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-security-policy': "default-src 'none'",
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
    connection: 'close',
  });
  response.end(`${text}\n`);
}

function sameText(given: string | null, expected: string | undefined): boolean {
  if (given === null || expected === undefined) return false;
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
