import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

/** A server that speaks bytes, for answers that no HTTP library would make. */
export interface RawUpstream {
  readonly origin: string;
  readonly port: number;
  /** What came so far over all connections, in order of arrival, as latin1. */
  readonly received: string;
  /** Connections that were ever made. */
  readonly connections: number;
  stop(): Promise<void>;
}

/**
 * Starts one on loopback. `answer` is asked for each request head that arrives, counted from 0 over all connections;
 * what it gives is written as it is, and `undefined` hangs up.
 */
export async function startRawUpstream(
  answer: (head: string, count: number, socket: Socket) => Buffer | string | undefined,
): Promise<RawUpstream> {
  let received = '';
  let connections = 0;
  const sockets = new Set<Socket>();
  let count = 0;
  const server = createServer((socket) => {
    connections += 1;
    let pending = '';
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      pending += chunk.toString('latin1');
      for (let end = pending.indexOf('\r\n\r\n'); end >= 0; end = pending.indexOf('\r\n\r\n')) {
        const head = pending.slice(0, end);
        pending = pending.slice(end + 4);
        const bytes = answer(head, count, socket);
        count += 1;
        if (bytes === undefined) socket.destroy();
        else socket.write(bytes, 'latin1');
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    get received() {
      return received;
    },
    get connections() {
      return connections;
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
