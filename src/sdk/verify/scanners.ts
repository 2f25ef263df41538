import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { BlockScanner, type BlockScan, type ScanHeader } from './block-scan.js';
import type { NoteKey } from '../../tlog/note.js';
import { keyLine } from '../../tlog/note.js';

/** A block to be scanned, as it goes to a thread; its bytes are of memory that both have. */
export interface ScanTask {
  readonly id: number;
  readonly bytes: Uint8Array;
  readonly begin: number;
  readonly header: ScanHeader;
}

/** What comes back. */
export interface ScanAnswer extends Omit<BlockScan, 'hashes' | 'nodes'> {
  readonly id: number;
  readonly hashes: Uint8Array;
  readonly nodes: readonly Uint8Array[];
}

interface Waiting {
  readonly resolve: (scan: BlockScan) => void;
  readonly reject: (error: unknown) => void;
}

/** Scans blocks in threads, each block in the one whose turn it is; with one thread in the thread that calls. */
export class Scanners {
  readonly #own: BlockScanner;
  readonly #workers: Worker[] = [];
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #broken: Error | undefined;

  constructor(
    private readonly keys: readonly NoteKey[],
    private readonly threads: number,
  ) {
    this.#own = new BlockScanner(keys);
  }

  /** Rejects when a thread ended before its time. The bytes must stay as they are until then. */
  async scan(bytes: Buffer, begin: number, header: ScanHeader): Promise<BlockScan> {
    if (this.threads <= 1) return this.#own.scan(bytes, begin, header);
    if (this.#broken !== undefined) throw this.#broken;
    const id = this.#next;
    this.#next += 1;
    const worker = (this.#workers[id % this.threads] ??= this.#start());
    const { filtered, origin } = header;
    const task: ScanTask = { id, bytes, begin, header: { filtered, origin } };
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      worker.postMessage(task);
    });
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

  #start(): Worker {
    const worker = new Worker(new URL('./scan-thread.js', import.meta.url), {
      workerData: this.keys.map(keyLine),
    });
    worker.on('message', ({ id, hashes, nodes, ...scan }: ScanAnswer) => {
      this.#waiting.get(id)?.resolve({ ...scan, hashes: bufferOf(hashes), nodes: nodes.map(bufferOf) });
      this.#waiting.delete(id);
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

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
