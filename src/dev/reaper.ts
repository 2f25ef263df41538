import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repositoryRoot } from './repository.js';

/**
 * Knows the processes and folders that belong to this process. A small process beside it (`tools/reaper.mjs`)
 * ends and removes them when this one dies without doing so itself; a handler for signals cannot, after SIGKILL.
 */
export class Reaper {
  #process: ChildProcess | undefined;
  readonly #directories = new Set<string>();

  /** Lists a process group that must not outlive us, until {@link released}. */
  owns(pid: number): void {
    this.#tell(`+pid ${pid}`);
  }

  /** The process group has ended. */
  released(pid: number): void {
    this.#tell(`-pid ${pid}`);
  }

  /** A new private folder below the system's temporary folder; it goes when we go. */
  async directory(prefix: string): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), `leasegate-${prefix}-`));
    this.adopt(path);
    return path;
  }

  /** Lists a file or folder that goes when we go, until {@link keep} or {@link remove}. */
  adopt(path: string): void {
    this.#directories.add(path);
    this.#tell(`+dir ${path}`);
  }

  /** What was adopted stays after all. */
  keep(path: string): void {
    this.#directories.delete(path);
    this.#tell(`-dir ${path}`);
  }

  /** Removes a file, or a folder and all in it. */
  async remove(path: string): Promise<void> {
    await rm(path, { recursive: true, force: true, maxRetries: 5 });
    this.keep(path);
  }

  /** Ends and removes what is still listed, and waits for that. Call last. */
  async close(): Promise<void> {
    const beside = this.#process;
    this.#process = undefined;
    if (beside !== undefined && beside.exitCode === null) {
      const ended = new Promise((resolve) => beside.once('exit', resolve));
      beside.ref();
      beside.stdin?.end();
      await ended;
    }
    for (const path of this.#directories) await rm(path, { recursive: true, force: true });
    this.#directories.clear();
  }

  #tell(line: string): void {
    this.#process ??= this.#start();
    this.#process.stdin?.write(`${line}\n`);
  }

  #start(): ChildProcess {
    // Its own session: Ctrl-C of the terminal must not end it before us.
    const child = spawn(process.execPath, [join(repositoryRoot(), 'tools', 'reaper.mjs')], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      env: {},
    });
    child.on('error', () => undefined);
    child.stdin.on('error', () => undefined);
    child.unref();
    // A pipe that stays referenced would keep this process from ending by itself.
    (child.stdin as unknown as { unref?: () => void }).unref?.();
    return child;
  }
}
