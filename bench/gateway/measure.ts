import { setTimeout as pause } from 'node:timers/promises';
import { Pool } from 'undici';
import { burst, type Burst } from '../load.js';
import { quantile } from '../report.js';
import type { Way } from './parts.js';

const QUESTION = { model: 'bench-1', messages: [{ role: 'user', content: 'What was ordered on Monday?' }] };
const BODY = JSON.stringify(QUESTION);

/** A way with connections of its own. */
export class Client {
  readonly #pool: Pool;
  #headers: Readonly<Record<string, string>> = {};

  constructor(
    readonly way: Way,
    connections: number,
  ) {
    this.#pool = new Pool(way.origin, { connections, headersTimeout: 0, bodyTimeout: 0 });
  }

  /** Before a burst: fetches what the way needs to be let through. */
  async begin(): Promise<void> {
    this.#headers = { 'content-type': 'application/json', ...(await this.way.headers()) };
  }

  /** One call; throws unless it was answered. */
  async call(): Promise<void> {
    const answer = await this.#pool.request({
      method: 'POST',
      path: this.way.path,
      headers: this.#headers,
      body: BODY,
    });
    const text = await answer.body.text();
    if (answer.statusCode !== 200)
      throw new Error(`${this.way.name} answered ${answer.statusCode}: ${text.slice(0, 400)}`);
  }

  /** A closed loop of that many workers. */
  closed(workers: number, calls: number): Promise<Burst> {
    return burst(workers, calls, () => this.call());
  }

  /**
   * An open loop: calls start at that rate whether earlier ones have ended or not, and their time counts from when
   * they should have started, so that a stall is not left out.
   */
  async open(perSecond: number, calls: number): Promise<readonly number[]> {
    const latenciesMs: number[] = [];
    const open: Promise<void>[] = [];
    const begin = performance.now();
    for (let call = 0; call < calls; call += 1) {
      const due = begin + (call * 1_000) / perSecond;
      const wait = due - performance.now();
      if (wait > 0) await pause(wait);
      // A timer is late by up to a millisecond, which is nobody's latency; more than that is a stall of this process.
      const now = performance.now();
      const at = now - due > 2 ? due : now;
      open.push(this.call().then(() => void latenciesMs.push(performance.now() - at)));
    }
    await Promise.all(open);
    return latenciesMs;
  }

  /** Opens a stream and answers how many events it was behind at worst: sent by the provider and not here yet. */
  async stream(events: number, intervalMs: number): Promise<number> {
    const answer = await this.#pool.request({
      method: 'POST',
      path: this.way.path,
      headers: this.#headers,
      body: JSON.stringify({ ...QUESTION, stream: true, events, interval_ms: intervalMs }),
    });
    if (answer.statusCode !== 200)
      throw new Error(`${this.way.name} answered ${answer.statusCode} to a stream`);
    const behind: number[] = [];
    let rest = '';
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      const lines = (rest + chunk.toString()).split('\n\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (!line.startsWith('data: {')) continue;
        const { sent_at: sentAt } = JSON.parse(line.slice(6)) as { sent_at: number };
        behind.push(Math.floor((Date.now() - sentAt) / intervalMs));
      }
    }
    if (behind.length !== events)
      throw new Error(`${this.way.name} passed on ${behind.length} of ${events} events`);
    return quantile(behind, 0.99);
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }
}
