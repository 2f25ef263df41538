import type { Clock } from '../../kernel/clock.js';

const SHUNNED_MS = 30_000;
const MOST_SHUNNED = 4_096;

/** In which order the vetted addresses of a host are tried. */
export class AddressOrder {
  readonly #shunnedUntilMs = new Map<string, number>();

  constructor(private readonly clock: Clock) {}

  /** Addresses with connections first, so that the turns that DNS takes cost no handshake; those that failed last. */
  of(addresses: readonly string[], connected: (address: string) => boolean): readonly string[] {
    if (addresses.length === 1) return addresses;
    const nowMs = this.clock.monotonicMs();
    const rank = (address: string): number => {
      if ((this.#shunnedUntilMs.get(address) ?? 0) > nowMs) return 2;
      return connected(address) ? 0 : 1;
    };
    return addresses
      .map((address) => ({ address, rank: rank(address) }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ address }) => address);
  }

  /** An address that could not be connected to comes last for half a minute. */
  shun(address: string): void {
    if (this.#shunnedUntilMs.size >= MOST_SHUNNED) this.#shunnedUntilMs.clear();
    this.#shunnedUntilMs.set(address, this.clock.monotonicMs() + SHUNNED_MS);
  }
}
