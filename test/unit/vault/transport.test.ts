import { createRequire } from 'node:module';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { SystemClock } from '../../../src/kernel/clock.js';
import { Secret } from '../../../src/kernel/secret.js';
import { VaultClient, type VaultCall } from '../../../src/vault/vault-client.js';
import { VaultError } from '../../../src/vault/vault-error.js';
import { NoTimings } from '../../../src/vault/vault-timings.js';

/**
 * What a real Vault cannot be made to do on demand: redirects of a standby, a proxy's error pages, answers that are
 * not Vault's. Everything else is tested against a real one.
 */
type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

const fromHere = createRequire(import.meta.url);
/** The printer that node-vault itself would use. */
const debug = createRequire(fromHere.resolve('node-vault'))('debug') as {
  enable(names: string): void;
  disable(): void;
};
const ends: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const end of ends.splice(0).reverse()) await end();
});

async function server(handler: Handler): Promise<{ address: string; seen: IncomingMessage[] }> {
  const seen: IncomingMessage[] = [];
  const http = createServer((request, response) => {
    seen.push(request);
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => handler(request, response, body));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  ends.push(() => {
    http.closeAllConnections();
    return new Promise((resolve) => http.close(resolve));
  });
  return { address: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, seen };
}

function client(
  address: string,
  options: { redirectAddresses?: string[]; timeoutMs?: number; namespace?: string } = {},
): VaultClient {
  const made = new VaultClient(
    {
      address,
      redirectAddresses: options.redirectAddresses ?? [],
      caFile: undefined,
      timeoutMs: options.timeoutMs ?? 5_000,
      connections: 4,
      namespace: options.namespace,
    },
    new SystemClock(),
    new NoTimings(),
  );
  ends.push(() => made.close());
  return made;
}

const TOKEN = 'hvs.MARKERtokenMARKERtoken0001';
const BODY_SECRET = 'marker-body-secret-0002';
const call: VaultCall = {
  operation: 'test',
  method: 'POST',
  path: 'auth/approle/login',
  token: Secret.of(TOKEN),
  body: { secret_id: Secret.of(BODY_SECRET), role_id: 'role' },
};

async function failureOf(promise: Promise<unknown>): Promise<VaultError> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(VaultError);
  const shown = [
    inspect(error, { depth: 20, showHidden: true }),
    JSON.stringify(error),
    String((error as Error).stack),
  ];
  for (const text of shown) {
    expect(text).not.toContain(TOKEN);
    expect(text).not.toContain(BODY_SECRET);
  }
  return error as VaultError;
}

function redirectTo(response: ServerResponse, location: string | undefined, status = 307): void {
  response.writeHead(status, location === undefined ? {} : { location }).end();
}

describe('redirects', () => {
  it('never take a token to a host that is not configured', async () => {
    const other = await server((_request, response) => response.end('{}'));
    const home = await server((request, response) => redirectTo(response, `${other.address}${request.url}`));
    const error = await failureOf(client(home.address).call(call));
    expect(error.code).toBe('vault_unavailable');
    expect(error.internal).toContain(new URL(other.address).origin);
    expect(other.seen).toEqual([]);
  });

  it.each([undefined, 'not a url:', '//', 'http://'])('to %j are refused', async (location) => {
    const home = await server((_request, response) => redirectTo(response, location));
    expect((await failureOf(client(home.address).call(call))).code).toBe('vault_unavailable');
  });

  it('that go in circles end', async () => {
    const home = await server((request, response) => redirectTo(response, request.url));
    const error = await failureOf(client(home.address).call(call));
    expect(error.internal).toContain('redirected too often');
    expect(home.seen.length).toBe(3);
  });

  it.each([301, 302, 303])('of kind %d are not followed, since they change the method', async (status) => {
    const other = await server((_request, response) => response.end('{}'));
    const home = await server((_request, response) => redirectTo(response, other.address, status));
    const error = await failureOf(client(home.address, { redirectAddresses: [other.address] }).call(call));
    expect(error.httpStatus).toBe(status);
    expect(other.seen).toEqual([]);
  });

  it.each([307, 308])(
    'of a standby (%d) to a configured address repeat the request as it was',
    async (status) => {
      let received = '';
      const active = await server((_request, response, body) => {
        received = body;
        response.end('{"data":{"ok":true}}');
      });
      const home = await server((_request, response) =>
        redirectTo(response, `${active.address}/v1/sys/seal`, status),
      );
      const answer = await client(home.address, { redirectAddresses: [active.address] }).call(call);
      expect(answer).toEqual({ data: { ok: true } });
      // The path is ours, whatever the redirect says.
      expect(active.seen.map(({ method, url }) => [method, url])).toEqual([
        ['POST', '/v1/auth/approle/login'],
      ]);
      expect(active.seen[0]?.headers['x-vault-token']).toBe(TOKEN);
      expect(JSON.parse(received)).toEqual({ secret_id: BODY_SECRET, role_id: 'role' });
    },
  );
});

describe('answers', () => {
  it.each([
    [400, 'vault_refused'],
    [403, 'vault_denied'],
    [404, 'vault_refused'],
    [429, 'vault_unavailable'],
    [500, 'vault_refused'],
    [502, 'vault_unavailable'],
    [503, 'vault_unavailable'],
    [504, 'vault_unavailable'],
  ])('with status %d are %s and show no secret', async (status, code) => {
    const echo = await server((request, response, body) =>
      response.writeHead(status, { 'retry-after': '7' }).end(
        JSON.stringify({
          errors: [`denied ${request.headers['x-vault-token'] as string}`, body],
          request: body,
        }),
      ),
    );
    const error = await failureOf(client(echo.address).call(call));
    expect(error.code).toBe(code);
    expect(error.httpStatus).toBe(status);
    expect(error.internal).toContain(`vault test: status ${status}; denied [scrubbed]`);
    expect(error.retryAfterSeconds).toBe(7);
  });

  it('of a sealed server, and of a standby without a leader, say so', async () => {
    const answers: [number, string][] = [
      [503, 'Vault is sealed'],
      [500, 'local node not active but active cluster node not found'],
    ];
    const home = await server((_request, response) => {
      const [status, error] = answers.shift() ?? [200, ''];
      response.writeHead(status).end(JSON.stringify({ errors: [error] }));
    });
    expect((await failureOf(client(home.address).call(call))).code).toBe('vault_sealed');
    expect((await failureOf(client(home.address).call(call))).code).toBe('vault_unavailable');
  });

  it.each(['<html>login</html>', '', '{"data":'])(
    'of 200 with %j are not taken for Vault’s',
    async (text) => {
      const home = await server((_request, response) => response.end(text));
      const error = await failureOf(client(home.address).call(call));
      expect(error.code).toBe('vault_unavailable');
      expect(error.internal).not.toContain('html');
    },
  );

  it('that are errors stay errors on a path that has sys/health in it', async () => {
    const home = await server((_request, response) =>
      response.writeHead(403).end('{"errors":["permission denied"]}'),
    );
    const error = await failureOf(client(home.address).call({ ...call, path: 'kv/data/sys/health' }));
    expect(error.code).toBe('vault_denied');
  });

  it('that never come end at the deadline, also when they began', async () => {
    const home = await server((request, response) => {
      if (request.url === '/v1/begun') response.writeHead(200).write('{"data":');
    });
    const slow = client(home.address, { timeoutMs: 100 });
    for (const path of ['begun', 'never']) {
      const error = await failureOf(slow.call({ ...call, path }));
      expect(error.code).toBe('vault_unavailable');
      expect(error.internal).toContain('no answer in 100 ms');
    }
  });

  it('that are cut, or refused, or not HTTP, tell no raw bytes', async () => {
    const home = await server((request, response) => {
      if (request.url === '/v1/cut') response.socket?.destroy();
      else response.socket?.end(`HTTP/1.1 200 ${TOKEN}\u0000\r\nbroken ${BODY_SECRET}\r\n\r\n`);
    });
    for (const path of ['cut', 'broken']) {
      expect((await failureOf(client(home.address).call({ ...call, path }))).code).toBe('vault_unavailable');
    }
    expect((await failureOf(client('http://127.0.0.1:1').call(call))).internal).toContain('ECONNREFUSED');
  });
});

describe('requests', () => {
  it('carry the token of their call and no other, whatever the environment says', async () => {
    for (const name of ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'ALL_PROXY'])
      vi.stubEnv(name, 'http://127.0.0.1:1');
    vi.stubEnv('NODE_USE_ENV_PROXY', '1');
    vi.stubEnv('VAULT_TOKEN', 'hvs.from-the-environment');
    vi.stubEnv('VAULT_NAMESPACE', 'elsewhere');
    vi.stubEnv('VAULT_PREFIX', '/elsewhere');
    vi.stubEnv('VAULT_ADDR', 'http://127.0.0.1:1');
    // An answer as of `auth/token/create`: a client that learns tokens would send it next.
    const home = await server((_request, response) =>
      response.end('{"auth":{"client_token":"hvs.learned","lease_duration":1}}'),
    );
    const own = client(`${home.address}/proxied/`, { namespace: 'team' });
    await own.call({ ...call, path: 'auth/token/create/role' });
    await own.call({ operation: 'test', method: 'GET', path: 'sys/health', namespaced: false });
    await own.call({ operation: 'test', method: 'LIST', path: 'some/list', token: Secret.of('hvs.second') });
    expect(home.seen.map(({ headers }) => headers['x-vault-token'])).toEqual([
      TOKEN,
      undefined,
      'hvs.second',
    ]);
    expect(home.seen.map(({ headers }) => headers['x-vault-namespace'])).toEqual(['team', undefined, 'team']);
    expect(home.seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST /proxied/v1/auth/token/create/role',
      'GET /proxied/v1/sys/health',
      'GET /proxied/v1/some/list?list=true',
    ]);
  });

  it('print nothing under DEBUG', async () => {
    const written: string[] = [];
    const spy = vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
      written.push(String(chunk));
      return true;
    });
    debug.enable('*');
    try {
      const home = await server((_request, response) => response.end('{}'));
      await client(home.address).call(call);
      await failureOf(client('http://127.0.0.1:1').call(call));
    } finally {
      debug.disable();
      spy.mockRestore();
    }
    expect(written.join('')).not.toMatch(/node-vault|marker|MARKER/);
  });

  it('that run at the same time share the connections that settings allow', async () => {
    let open = 0;
    let most = 0;
    const home = await server((_request, response) => {
      open += 1;
      most = Math.max(most, open);
      setImmediate(() => {
        open -= 1;
        response.end('{}');
      });
    });
    const own = client(home.address);
    await Promise.all(Array.from({ length: 40 }, () => own.call(call)));
    expect(most).toBeLessThanOrEqual(4);
    expect(new Set(home.seen.map(({ socket }) => socket)).size).toBeLessThanOrEqual(4);
  });
});
