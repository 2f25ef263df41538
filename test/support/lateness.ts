import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';

const STEP_MS = 50;

/**
 * How late this machine is with what takes no time of its own: a short wait and a question to the database that asks
 * nothing, again and again. A promise of the product in seconds is one on a machine that does in time what it is asked;
 * what a busy one held up is no part of it.
 */
export class Lateness {
  readonly #steps: { readonly beganMs: number; readonly endedMs: number; readonly lateMs: number }[] = [];
  readonly #client: pg.Client;
  readonly #done: Promise<void>;
  #stopped = false;

  private constructor(client: pg.Client) {
    this.#client = client;
    this.#done = this.#run();
  }

  /** Begins to measure. Stop it when the test is done. */
  static async start(databaseUrl: string): Promise<Lateness> {
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    return new Lateness(client);
  }

  /** Milliseconds by which it was late in all from one moment on the clock of `performance` to another, or to now. */
  sinceMs(fromMs: number, toMs = Infinity): number {
    return this.#steps
      .filter(({ beganMs, endedMs }) => endedMs > fromMs && beganMs < toMs)
      .reduce((sum, { lateMs }) => sum + lateMs, 0);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
    await this.#client.end();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const beganMs = performance.now();
      await pause(STEP_MS);
      await this.#client.query('SELECT 1');
      const endedMs = performance.now();
      this.#steps.push({ beganMs, endedMs, lateMs: Math.max(0, endedMs - beganMs - STEP_MS) });
    }
  }
}
