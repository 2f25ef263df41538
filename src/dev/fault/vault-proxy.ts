import {
  Agent,
  createServer,
  request,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { Cuts, type ArmedCut, type CutMoment } from './cut.js';

/** A fault of a broker's way to Vault: a cut, or an answer with this status that Vault never gave. */
export interface VaultCut {
  readonly moment: CutMoment | number;
  /** Matches method and path, such as `POST /v1/sys/leases/revoke`. */
  readonly request: RegExp;
}

/** Stands between one broker and Vault, and can be told to cut. */
export class VaultProxy {
  readonly #cuts = new Cuts<VaultCut>();
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  readonly #server: Server;
  #down = false;

  private constructor(private readonly vault: URL) {
    this.#server = createServer((asked, answer) => this.#answer(asked, answer));
    this.#server.keepAliveTimeout = 60_000;
  }

  /** Listens on a free loopback port. */
  static async start(vaultAddress: string): Promise<VaultProxy> {
    const proxy = new VaultProxy(new URL(vaultAddress));
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject);
      proxy.#server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Cuts once, at the next request that fits. */
  cut(rule: VaultCut): ArmedCut {
    return this.#cuts.arm(rule);
  }

  /** While down, ends every request unanswered. */
  set down(down: boolean) {
    this.#down = down;
    if (down) this.#server.closeAllConnections();
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#agent.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(asked: IncomingMessage, answer: ServerResponse): void {
    const line = `${asked.method ?? ''} ${asked.url ?? ''}`;
    const moment = this.#down ? 'before' : this.#cuts.take(({ request: fits }) => fits.test(line))?.moment;
    if (moment === 'before') {
      asked.socket.destroy();
      return;
    }
    if (typeof moment === 'number') {
      asked.resume();
      answer.writeHead(moment, { 'content-type': 'application/json' });
      answer.end(JSON.stringify({ errors: ['the proxy was told to say so'] }));
      return;
    }
    const { hostname, port } = this.vault;
    const onward = request(
      { hostname, port, method: asked.method, path: asked.url, headers: asked.headers, agent: this.#agent },
      (got) => {
        if (moment === undefined) {
          answer.writeHead(got.statusCode ?? 502, got.headers);
          got.pipe(answer);
          return;
        }
        got.resume();
        got.once('end', () => {
          if (moment === 'after') asked.socket.destroy();
        });
      },
    );
    onward.once('error', () => asked.socket.destroy());
    asked.pipe(onward);
  }
}
