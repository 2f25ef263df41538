import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Cuts, type ArmedCut, type CutMoment } from './cut.js';

/** A cut of a broker's connection to PostgreSQL. */
export interface PostgresCut {
  readonly moment: CutMoment;
  /** Happens at the first message with these words: of a statement, the name of a prepared one, or a value. */
  readonly words: string;
  /** And then not before this word is sent on the same connection; `COMMIT` for what a transaction does. */
  readonly then?: string;
}

const READY_FOR_QUERY = Buffer.of(0x5a, 0, 0, 0, 5);

/** Stands between one broker and PostgreSQL, and can be told to cut. */
export class PostgresProxy {
  readonly #cuts = new Cuts<PostgresCut>();
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #down = false;

  private constructor(
    private readonly host: string,
    private readonly port: number,
  ) {
    this.#server = createServer((near) => this.#join(near));
  }

  /** Listens on a free loopback port. */
  static async start(to: { readonly host: string; readonly port: number }): Promise<PostgresProxy> {
    const proxy = new PostgresProxy(to.host, to.port);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject);
      proxy.#server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  /** The same URL by way of this proxy. */
  through(url: string): string {
    const changed = new URL(url);
    changed.hostname = '127.0.0.1';
    changed.port = String((this.#server.address() as AddressInfo).port);
    return changed.href;
  }

  /** Cuts once, at the next request that fits. */
  cut(rule: PostgresCut): ArmedCut {
    return this.#cuts.arm(rule);
  }

  /** Ends every connection and, while down, each new one. */
  set down(down: boolean) {
    this.#down = down;
    if (down) this.#endAll();
  }

  async stop(): Promise<void> {
    this.#endAll();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #endAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(near: Socket): void {
    if (this.#down) {
      near.destroy();
      return;
    }
    const far = connect(this.port, this.host);
    near.setNoDelay(true);
    far.setNoDelay(true);
    const end = (): void => {
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on('error', end);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        end();
      });
    }
    /** A cut whose words went by, and that waits for the next ones. */
    let pending: PostgresCut | undefined;
    let cut: CutMoment | undefined;
    near.on('data', (chunk) => {
      if (cut === undefined && (pending !== undefined || !this.#cuts.none)) {
        const text = chunk.toString('latin1');
        pending ??= this.#cuts.take(({ words }) => text.includes(words));
        if (pending !== undefined && (pending.then === undefined || text.includes(pending.then))) {
          cut = pending.moment;
          if (cut === 'before') return end();
        }
      }
      if (!far.write(chunk)) {
        near.pause();
        far.once('drain', () => near.resume());
      }
    });
    far.on('data', (chunk) => {
      if (cut === 'silent') return;
      if (cut === 'after') {
        if (chunk.subarray(-6, -1).equals(READY_FOR_QUERY)) end();
        return;
      }
      if (!near.write(chunk)) {
        far.pause();
        near.once('drain', () => far.resume());
      }
    });
  }
}
