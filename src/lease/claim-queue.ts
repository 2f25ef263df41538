import type { ClaimedLease } from './revocation-claims.js';

/** Claims in small lots, so that no claim grows old while it waits for its turn. */
export class ClaimQueue {
  #claimed: ClaimedLease[] = [];
  #refill: Promise<void> | undefined;
  #dry = false;

  constructor(
    private readonly claim: (size: number) => Promise<readonly ClaimedLease[]>,
    private readonly lot: number,
    private left: number,
  ) {}

  /** The next one; nothing when no more is due. */
  async take(): Promise<ClaimedLease | undefined> {
    while (this.#claimed.length === 0 && !this.#dry) {
      this.#refill ??= this.refill().finally(() => (this.#refill = undefined));
      await this.#refill;
    }
    return this.#claimed.shift();
  }

  /** Gives back what could not be worked on; it is the next again. */
  putBack(claimed: ClaimedLease): void {
    this.#claimed.unshift(claimed);
  }

  /** What was claimed and not taken; the queue is empty after it. */
  rest(): readonly ClaimedLease[] {
    return this.#claimed.splice(0);
  }

  private async refill(): Promise<void> {
    const size = Math.min(this.lot, this.left);
    const claimed = size > 0 ? await this.claim(size) : [];
    this.left -= claimed.length;
    this.#dry = claimed.length < size || this.left === 0 || size === 0;
    this.#claimed.push(...claimed);
  }
}
