import type { LeaseEvents } from './events.js';

const TIME = Buffer.from('"time":"');

/**
 * Events that are made before they are needed, since a benchmark is not about making them. They stand in one piece of
 * memory; all that is left to do is to write down the time.
 */
export class MadeEvents {
  readonly #ids: string[] = [];
  readonly #bytes: Buffer;
  /** Where each leaf begins, where its time stands, and after the last one where it ends. */
  readonly #begins: number[] = [];
  readonly #times: number[] = [];

  constructor(
    source: LeaseEvents,
    readonly count: number,
  ) {
    const leaves: Buffer[] = [];
    let at = 0;
    for (let n = 0; n < count; n += 1) {
      const [id, leaf] = source.next();
      this.#ids.push(id);
      this.#begins.push(at);
      this.#times.push(at + leaf.indexOf(TIME) + TIME.length);
      leaves.push(leaf);
      at += leaf.length;
    }
    this.#begins.push(at);
    this.#bytes = Buffer.concat(leaves);
  }

  /** Events `from` to `to` as they happen now: id and leaf of each, one after another. */
  now(from: number, to: number): (string | Buffer)[] {
    const time = new Date().toISOString();
    const values: (string | Buffer)[] = [];
    for (let n = from; n < to; n += 1) {
      this.#bytes.write(time, this.#times[n] as number, 'latin1');
      values.push(this.#ids[n] as string, this.#bytes.subarray(this.#begins[n], this.#begins[n + 1]));
    }
    return values;
  }
}
