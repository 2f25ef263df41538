import { readdir, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CrashPoint } from '../../kernel/crash-point.js';
import { startBroker, writeSettings, type DevBroker } from '../dev-broker.js';
import { withFreePort } from '../free-port.js';
import type { FaultParts } from './fault-parts.js';
import { PostgresProxy } from './postgres-proxy.js';
import { VaultProxy } from './vault-proxy.js';

/** What a broker that passes an armed point does: it dies, or stands still until {@link Replica.thaw}. */
export type CrashAction = 'kill' | 'freeze';

/** One broker of several on the same parts: a process, with a proxy of its own to PostgreSQL and to Vault. */
export class Replica {
  #exited = false;
  #frozen = false;
  #stops: readonly string[] = [];

  private constructor(
    readonly url: string,
    readonly postgres: PostgresProxy,
    readonly vault: VaultProxy,
    private readonly folder: string,
    private readonly broker: DevBroker,
    private readonly parts: FaultParts,
  ) {
    void broker.exited.then(() => (this.#exited = true));
  }

  /** Starts one and waits until it says that it is ready. */
  static async start(parts: FaultParts): Promise<Replica> {
    const folder = await parts.reaper.directory('replica');
    const postgres = await PostgresProxy.start(parts.databaseAddress);
    const vault = await VaultProxy.start(parts.vault.address);
    try {
      return await withFreePort(async (port) => {
        const url = `http://127.0.0.1:${port}`;
        const settings = parts.settingsOf({
          port,
          databaseUrl: postgres.through(parts.databaseUrl),
          vaultAddress: vault.address,
        });
        const broker = await startBroker(parts.reaper, {
          settingsFile: await writeSettings(folder, settings),
          url,
          env: { NODE_ENV: 'test', LEASEGATE_CRASH_AT: `@${folder}` },
          logFile: parts.logFile,
        });
        return new Replica(url, postgres, vault, folder, broker, parts);
      });
    } catch (error) {
      await postgres.stop();
      await vault.stop();
      await parts.reaper.remove(folder);
      throw error;
    }
  }

  /** Whether the process is there and goes on. */
  get serves(): boolean {
    return !this.#exited && !this.#frozen;
  }

  get frozen(): boolean {
    return this.#frozen && !this.#exited;
  }

  get exited(): boolean {
    return this.#exited;
  }

  /** Resolves when the process has ended: with its exit code, or the signal that ended it. */
  get ended(): Promise<number | NodeJS.Signals> {
    return this.broker.exited;
  }

  /** Has the process stop at this point when it comes to it; nothing happens when it has ended. */
  async arm(point: CrashPoint, action: CrashAction): Promise<void> {
    await writeFile(join(this.folder, point), action).catch((error: unknown) => {
      // Its folder has gone with it.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    });
  }

  /** Takes back what was armed and did not happen. */
  async disarm(point: CrashPoint): Promise<void> {
    await rm(join(this.folder, point), { force: true });
  }

  /** Points that the process has stopped at so far. */
  async stoppedAt(): Promise<readonly string[]> {
    const suffix = `.${this.broker.pid}`;
    const files = await readdir(this.folder).catch(() => undefined);
    const stops = files?.filter((file) => file.endsWith(suffix)).map((file) => file.slice(0, -suffix.length));
    return (this.#stops = stops ?? this.#stops);
  }

  /** Kills it, wherever it is. */
  async kill(): Promise<void> {
    await this.broker.stop('SIGKILL');
  }

  /** Stops it, wherever it is, until {@link thaw}. */
  freeze(): void {
    if (this.serves) process.kill(this.broker.pid, 'SIGSTOP');
    this.#frozen = true;
  }

  /** Whether it stands still because it passed an armed point; then it counts as frozen. */
  noticeFreeze(): boolean {
    if (!this.#exited && stateOf(this.broker.pid) === 'T') this.#frozen = true;
    return this.frozen;
  }

  /** Lets a frozen process go on. */
  thaw(): void {
    if (!this.#exited) process.kill(this.broker.pid, 'SIGCONT');
    this.#frozen = false;
  }

  /** What it has logged last. */
  output(): string {
    return this.broker.output();
  }

  /** Ends it and what belongs to it. */
  async stop(): Promise<void> {
    if (this.frozen) this.thaw();
    if (!this.#exited) await this.broker.stop('SIGKILL');
    await this.postgres.stop();
    await this.vault.stop();
    await this.stoppedAt();
    await this.parts.reaper.remove(this.folder);
  }
}

/** The state letter of a process: `T` is stopped. Undefined where there is none, or no /proc. */
function stateOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
  } catch {
    return undefined;
  }
}
