/** A lease that a worker was handed. */
export interface HandedLease {
  readonly id: string;
  readonly runId: string;
  /** Of a database credential. */
  readonly account?: { readonly username: string; readonly password: string };
  /** Renewals that were answered. */
  renewals: number;
}

/** What workers were told: the broker's word, to be compared with its books. */
export class Ledger {
  readonly #leases = new Map<string, HandedLease>();
  readonly #endedRuns = new Set<string>();
  readonly #broken: string[] = [];

  handed(lease: Omit<HandedLease, 'renewals'>): HandedLease {
    const entry = { ...lease, renewals: 0 };
    this.#leases.set(entry.id, entry);
    return entry;
  }

  /** A run whose end was answered. */
  ended(runId: string): void {
    this.#endedRuns.add(runId);
  }

  /** A promise that did not hold, as it was seen. */
  broken(what: string): void {
    this.#broken.push(what);
  }

  get leases(): readonly HandedLease[] {
    return [...this.#leases.values()];
  }

  get endedRuns(): readonly string[] {
    return [...this.#endedRuns];
  }

  /** Credentials that worked when they had to be dead, as they were seen. */
  get brokenPromises(): readonly string[] {
    return this.#broken;
  }
}
