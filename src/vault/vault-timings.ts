import type { VaultErrorCode } from './vault-fault.js';

/** How a call to Vault ended. */
export type VaultOutcome = 'ok' | VaultErrorCode;

/** Where the time of each call to Vault is reported; the metrics bind a histogram to it. Must not throw. */
export abstract class VaultTimings {
  /** `operation` is one of a fixed set of names, never a path. */
  abstract observe(operation: string, seconds: number, outcome: VaultOutcome): void;
}

/** Reports nothing. */
export class NoTimings extends VaultTimings {
  observe(): void {}
}
