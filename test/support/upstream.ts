import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createPlainServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { TestCa, type TestCertificate } from './certificates.js';

/** A request that an upstream got. */
export interface SeenRequest {
  readonly method: string;
  /** Path and query as they came. */
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Name, value, name, value: as they came. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** Common name of the client's certificate. */
  readonly clientName: string | undefined;
  /** Which connection it came over, counted from 1. */
  readonly connection: number;
}

/** Answers a request; what it throws becomes a 500. */
export type UpstreamHandler = (request: SeenRequest, response: ServerResponse) => void | Promise<void>;

/** How an upstream is made. */
export interface UpstreamOptions {
  /** Plain http instead of TLS. */
  readonly plain?: boolean;
  /** Names and addresses of its certificate; `localhost` and `127.0.0.1` unless told. */
  readonly names?: readonly string[];
  /** A certificate of one's own making, for the wrong ones. */
  readonly certificate?: TestCertificate;
  readonly ca?: TestCa;
  /** Asks for a client certificate of this CA, PEM, and refuses any other. */
  readonly clientCa?: string;
}

/** A provider on loopback, with a certificate of its own CA. Without a handler for a request it answers 404. */
export interface Upstream {
  /** Such as `https://127.0.0.1:40001`. */
  readonly origin: string;
  readonly port: number;
  /** PEM file for `ca_file` of a tool. */
  readonly caFile: string;
  readonly ca: TestCa;
  /** Everything that came so far. */
  readonly requests: readonly SeenRequest[];
  /** Connections that are open now. */
  readonly openConnections: number;
  /** Connections that were ever made. */
  readonly connections: number;
  /** Answers `GET /path`; a path without query, or `*` for every one. Later ones replace earlier ones. */
  on(method: string, path: string, handler: UpstreamHandler): void;
  /** Answers with JSON. */
  json(method: string, path: string, body: unknown, status?: number): void;
  /** Ends all connections at once, and keeps listening. */
  hangUp(): void;
  stop(): Promise<void>;
}

/** Starts an upstream on a free port of loopback. */
export async function startUpstream(options: UpstreamOptions = {}): Promise<Upstream> {
  const ca = options.ca ?? new TestCa();
  const folder = await mkdtemp(join(tmpdir(), 'leasegate-upstream-'));
  const caFile = join(folder, 'ca.pem');
  await writeFile(caFile, ca.cert);
  const handlers = new Map<string, UpstreamHandler>();
  const requests: SeenRequest[] = [];
  const sockets = new Map<Socket, number>();
  let connections = 0;

  const onRequest = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const seen = await seenOf(message, sockets.get(rawSocketOf(message)) ?? 0);
    requests.push(seen);
    const path = seen.path.split('?')[0] ?? '';
    const handler =
      handlers.get(`${seen.method} ${path}`) ?? handlers.get(`${seen.method} *`) ?? handlers.get('* *');
    if (handler === undefined) return void response.writeHead(404).end('{"error":"no handler"}');
    await handler(seen, response);
  };
  const listener = (message: IncomingMessage, response: ServerResponse): void => {
    onRequest(message, response).catch(() => {
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  };
  const { cert, key } =
    options.certificate ?? ca.issue({ names: options.names ?? ['localhost', '127.0.0.1'] });
  const client =
    options.clientCa === undefined
      ? {}
      : { ca: options.clientCa, requestCert: true, rejectUnauthorized: true };
  const server =
    options.plain === true
      ? createPlainServer(listener)
      : createTlsServer({ cert, key, ...client }, listener);
  server.on(options.plain === true ? 'connection' : 'secureConnection', (socket: Socket) => {
    connections += 1;
    sockets.set(socket, connections);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const hangUp = (): void => {
    for (const socket of sockets.keys()) socket.destroy();
  };
  const on = (method: string, path: string, handler: UpstreamHandler): void =>
    void handlers.set(`${method} ${path}`, handler);
  return {
    origin: `${options.plain === true ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    caFile,
    ca,
    requests,
    get openConnections() {
      return sockets.size;
    },
    get connections() {
      return connections;
    },
    on,
    json: (method, path, body, status = 200) =>
      on(
        method,
        path,
        (_request, response) =>
          void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
      ),
    hangUp,
    stop: async () => {
      server.closeAllConnections();
      hangUp();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true });
    },
  };
}

async function seenOf(message: IncomingMessage, connection: number): Promise<SeenRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return {
    method: message.method ?? '',
    path: message.url ?? '',
    headers: message.headers,
    rawHeaders: message.rawHeaders,
    body: Buffer.concat(chunks),
    clientName: clientNameOf(message.socket),
    connection,
  };
}

function rawSocketOf(message: IncomingMessage): Socket {
  return message.socket;
}

function clientNameOf(socket: Socket): string | undefined {
  if (!('getPeerCertificate' in socket)) return undefined;
  const name = (socket as TLSSocket).getPeerCertificate().subject?.CN;
  return Array.isArray(name) ? name[0] : name;
}
