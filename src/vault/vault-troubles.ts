import type { Clock } from '../kernel/clock.js';
import { VaultError } from './vault-error.js';
import type { VaultFault } from './vault-fault.js';

/** What has to be mended in Vault, rather than waited for. */
const LASTING: ReadonlySet<VaultFault> = new Set([
  'rights_missing',
  'token_role_missing',
  'credential_denied',
  'role_missing',
  'mount_missing',
  'refused',
]);

/** After so long without another failure nobody knows any more whether it still is so. */
const REMEMBERED_MS = 600_000;
const MOST = 1_000;

/**
 * Which credentials could not be made of late, and why: what only an attempt can show, since the broker may not read
 * roles. Each success clears its credential. In this process alone: another replica may have seen other attempts.
 */
export class VaultTroubles {
  readonly #seen = new Map<string, { readonly fault: VaultFault; readonly atMs: number }>();

  constructor(private readonly clock: Clock) {}

  /** Does the work for a credential, and takes note of how it ended. */
  async watch<T>(credential: string, work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      this.#seen.delete(credential);
      return result;
    } catch (error) {
      if (error instanceof VaultError && LASTING.has(error.fault)) {
        this.#seen.delete(credential);
        if (this.#seen.size >= MOST) this.#seen.clear();
        this.#seen.set(credential, { fault: error.fault, atMs: this.clock.monotonicMs() });
      }
      throw error;
    }
  }

  /** How many credentials have each fault now. */
  counts(): ReadonlyMap<VaultFault, number> {
    const counts = new Map<VaultFault, number>();
    const sinceMs = this.clock.monotonicMs() - REMEMBERED_MS;
    for (const [credential, { fault, atMs }] of this.#seen) {
      if (atMs < sinceMs) this.#seen.delete(credential);
      else counts.set(fault, (counts.get(fault) ?? 0) + 1);
    }
    return counts;
  }
}
