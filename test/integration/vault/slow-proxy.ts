import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP proxy before Vault that can be made slow, and cut off. */
export interface SlowProxy {
  readonly address: string;
  /** Milliseconds by which each answer is held back from now on. */
  delayMs: number;
  /** Refuses connections and cuts those that are there; false lets them through again. */
  cutOff(cut: boolean): void;
  stop(): Promise<void>;
}

/** Starts a proxy to the host and port of an address. */
export async function startSlowProxy(address: string): Promise<SlowProxy> {
  const { hostname, port } = new URL(address);
  const sockets = new Set<Socket>();
  let cut = false;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  };
  const server = createServer((inner) => {
    keep(inner);
    if (cut) return void inner.destroy();
    const outer = connect(Number(port), hostname);
    keep(outer);
    inner.pipe(outer);
    outer.on('data', (chunk: Buffer) => {
      const write = (): void => void (inner.destroyed || inner.write(chunk));
      if (proxy.delayMs === 0) write();
      else setTimeout(write, proxy.delayMs);
    });
    inner.on('close', () => outer.destroy());
    outer.on('close', () => inner.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: SlowProxy = {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    delayMs: 0,
    cutOff(now) {
      cut = now;
      if (now) for (const socket of sockets) socket.destroy();
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}
