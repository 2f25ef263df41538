import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { NoteKey } from '../../tlog/note.js';
import { keyLine } from '../../tlog/note.js';
import { ScanWork, type ScanAnswers, type ScanTasks } from './scan-work.js';

/** A task as it goes to a thread. */
export interface ThreadTask<K extends keyof ScanTasks> {
  readonly id: number;
  readonly kind: K;
  readonly task: ScanTasks[K];
}

/** What comes back. */
export type ThreadAnswer =
  | { readonly id: number; readonly found: ScanAnswers[keyof ScanTasks] }
  | { readonly id: number; readonly failed: { readonly message: string; readonly code: string | undefined } };

interface Waiting {
  readonly resolve: (found: never) => void;
  readonly reject: (error: unknown) => void;
}

/** Does tasks in threads, each in the one whose turn it is; with one thread in the thread that calls. */
export class Scanners {
  readonly #own: ScanWork;
  readonly #workers: Worker[] = [];
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #broken: Error | undefined;

  constructor(
    private readonly keys: readonly NoteKey[],
    readonly threads: number,
  ) {
    this.#own = new ScanWork(keys);
  }

  /**
   * Rejects when a file cannot be read, or a thread ended before its time. Shared bytes must stay as they are until then.
   * Whoever does not wait at once has no unhandled rejection.
   */
  scan<K extends keyof ScanTasks>(kind: K, task: ScanTasks[K]): Promise<ScanAnswers[K]> {
    const found = this.#scan(kind, task);
    found.catch(() => undefined);
    return found;
  }

  async close(): Promise<void> {
    await Promise.all(
      this.#workers.map(async (worker) => {
        worker.removeAllListeners('exit');
        const exit = once(worker, 'exit');
        void worker.terminate();
        await exit;
      }),
    );
  }

  async #scan<K extends keyof ScanTasks>(kind: K, task: ScanTasks[K]): Promise<ScanAnswers[K]> {
    if (this.threads <= 1) return this.#own.does[kind](task);
    if (this.#broken !== undefined) throw this.#broken;
    const id = this.#next;
    this.#next += 1;
    const worker = (this.#workers[id % this.threads] ??= this.#start());
    const sent: ThreadTask<K> = { id, kind, task };
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      worker.postMessage(sent);
    });
  }

  #start(): Worker {
    const worker = new Worker(new URL('./scan-thread.js', import.meta.url), {
      workerData: this.keys.map(keyLine),
    });
    worker.on('message', (answer: ThreadAnswer) => {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if ('found' in answer) waiting?.resolve(answer.found as never);
      else waiting?.reject(Object.assign(new Error(answer.failed.message), { code: answer.failed.code }));
    });
    worker.once('error', (error: Error) => this.#fail(error));
    worker.once('exit', () => this.#fail(new Error('a thread that verifies has ended')));
    return worker;
  }

  #fail(error: Error): void {
    this.#broken ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
