import type { ClaimedLease } from './revocation-claims.js';

/**
 * Claims in lots, and the next lot before the last is used up, so that nobody waits for the database. Every claim is
 * either taken or in {@link rest}.
 */
export class ClaimQueue {
  #claimed: ClaimedLease[] = [];
  #refill: Promise<void> | undefined;
  #dry = false;
  #failure: { readonly error: unknown } | undefined;

  /** `lot` is asked before each claim; the next lot is claimed when no more than `ahead` are left of the last. */
  constructor(
    private readonly claim: (size: number) => Promise<readonly ClaimedLease[]>,
    private readonly lot: () => number,
    private readonly ahead: number,
    private left: number,
  ) {}

  /** What was claimed already, what is being claimed at this moment, and no more. */
  static of(
    claimed: readonly ClaimedLease[],
    more: Promise<readonly ClaimedLease[]> = Promise.resolve([]),
  ): ClaimQueue {
    const queue = new ClaimQueue(
      () => more,
      () => Infinity,
      Infinity,
      Infinity,
    );
    queue.#claimed = [...claimed];
    // Waited for from now on: they are claimed for this queue, and in its rest even when nobody takes one.
    void queue.refilled();
    return queue;
  }

  /** The next one; nothing when no more is due. Throws what claiming threw, once what was claimed before is used up. */
  async take(): Promise<ClaimedLease | undefined> {
    if (this.#claimed.length <= this.ahead) void this.refilled();
    while (this.#claimed.length === 0 && !this.#dry) await this.refilled();
    const next = this.#claimed.shift();
    if (next === undefined && this.#failure !== undefined) throw this.#failure.error;
    return next;
  }

  /** Gives back what could not be worked on; it is the next again. */
  putBack(claimed: ClaimedLease): void {
    this.#claimed.unshift(claimed);
  }

  /** Claims nothing more and answers what was claimed and not taken. */
  async rest(): Promise<readonly ClaimedLease[]> {
    this.#dry = true;
    await this.#refill;
    return this.#claimed.splice(0);
  }

  private refilled(): Promise<void> {
    if (this.#dry) return Promise.resolve();
    this.#refill ??= this.refill()
      .catch((error: unknown) => {
        this.#failure = { error };
        this.#dry = true;
      })
      .finally(() => (this.#refill = undefined));
    return this.#refill;
  }

  private async refill(): Promise<void> {
    const size = Math.min(this.lot(), this.left);
    const claimed = size > 0 ? await this.claim(size) : [];
    this.left -= claimed.length;
    if (claimed.length < size || this.left === 0 || size === 0) this.#dry = true;
    this.#claimed.push(...claimed);
  }
}
