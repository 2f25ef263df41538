import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import { AuditInbox } from '../../../audit/audit-inbox.js';
import { Transactions } from '../../../database/transaction.js';
import { surviveAcceptFailures } from '../../../kernel/accept-failures.js';
import { systemCaller } from '../../../kernel/caller.js';
import { Clock } from '../../../kernel/clock.js';
import { Ids } from '../../../kernel/ids.js';
import { Log } from '../../../kernel/log.js';
import { safeErrorFields } from '../../../kernel/safe-error.js';
import { Settings } from '../../../settings/schema.js';
import { VaultLog } from '../vault-log.js';

const VIA = 'vault-audit.listen';
const AT_ONCE = 2_000;
const MOST_CONNECTIONS = 32;
/** A line is at most so long; a device writes the whole of a request, without values. */
const LINE_CHARS = 1_048_576;
const KEPT_CHARS = 67_108_864;
const FLUSH_MS = 250;
const RETRY_MS = 1_000;

/**
 * Takes the lines of Vault's socket audit device. Vault waits for whoever does not read, and refuses requests when no
 * device takes their lines; so lines are taken at once, and what comes faster than it can be written down is dropped,
 * counted and told. A line lives in memory until it is written down: of a crash the file device is safe, and this is not.
 */
@Injectable()
export class VaultSocket implements OnApplicationBootstrap, BeforeApplicationShutdown {
  #lines: string[] = [];
  #chars = 0;
  #dropped = 0;
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> = Promise.resolve();
  #stopping = false;
  #complained = false;

  constructor(
    private readonly settings: Settings,
    private readonly vaultLog: VaultLog,
    private readonly audit: AuditInbox,
    private readonly transactions: Transactions,
    private readonly ids: Ids,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** Where it listens; undefined where it does not. */
  get port(): number | undefined {
    return (this.#server?.address() as AddressInfo | null | undefined)?.port;
  }

  async onApplicationBootstrap(): Promise<void> {
    const { roles, vaultAudit } = this.settings.values;
    if (vaultAudit.listen === undefined || !roles.includes('scheduler')) return;
    this.#server = createServer((socket) => this.#take(socket));
    this.#server.maxConnections = MOST_CONNECTIONS;
    this.#server.listen(vaultAudit.listen.port, vaultAudit.listen.host);
    await once(this.#server, 'listening');
    surviveAcceptFailures(this.#server, this.log, this.clock);
  }

  /** Takes no more, and writes down what it has. */
  async beforeApplicationShutdown(): Promise<void> {
    this.#stopping = true;
    this.#server?.close();
    for (const socket of this.#sockets) socket.destroy();
    clearTimeout(this.#timer);
    await this.#flushing;
    await this.#flush();
  }

  #take(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
    socket.setKeepAlive(true);
    const decoder = new StringDecoder('utf8');
    let rest = '';
    socket.on('data', (bytes) => {
      const parts = (rest + decoder.write(bytes)).split('\n');
      // Of a line without end no more is kept than shows that it is too long.
      rest = (parts.pop() ?? '').slice(0, LINE_CHARS + 1);
      for (const line of parts) this.#keep(line);
    });
  }

  #keep(line: string): void {
    if (line === '') return;
    const most = this.settings.values.vaultAudit.listen?.keepLines ?? 0;
    const fits = this.#lines.length < most && this.#chars + line.length <= KEPT_CHARS;
    if (!fits || line.length > LINE_CHARS) {
      this.#dropped += 1;
    } else {
      this.#lines.push(line);
      this.#chars += line.length;
    }
    this.#later(FLUSH_MS);
  }

  #later(ms: number): void {
    if (this.#stopping || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#flushing = this.#flush().then((done) => {
        this.#timer = undefined;
        if (!done) this.#later(RETRY_MS);
        else if (this.#lines.length > 0 || this.#dropped > 0) this.#later(FLUSH_MS);
      });
    }, ms);
  }

  /** Writes down what there is; false when that failed and the lines are still there. */
  async #flush(): Promise<boolean> {
    while (this.#lines.length > 0 || this.#dropped > 0) {
      const lines = this.#lines.slice(0, AT_ONCE);
      const dropped = this.#dropped;
      try {
        await this.#record(lines, dropped);
      } catch (error) {
        if (!this.#complained)
          this.log.warn(safeErrorFields(error), "Vault's audit lines cannot be written down");
        this.#complained = true;
        return false;
      }
      this.#complained = false;
      this.#lines.splice(0, lines.length);
      this.#chars -= lines.reduce((sum, line) => sum + line.length, 0);
      this.#dropped -= dropped;
    }
    return true;
  }

  async #record(lines: readonly string[], dropped: number): Promise<void> {
    const caller = systemCaller('vault-socket', this.ids.uuid());
    const reading = await this.vaultLog.begin(this.settings.values.vaultAudit.listen?.device);
    for (const line of lines) await reading.add(line);
    await this.transactions.run(async (tx) => {
      await this.vaultLog.record(tx, caller, reading, VIA, VIA);
      if (dropped === 0) return;
      await this.audit.append(
        tx,
        'shadow.lines_lost',
        { caller, outcome: 'failure' },
        { via: VIA, cause: 'overflow', lines: dropped },
      );
    });
  }
}
