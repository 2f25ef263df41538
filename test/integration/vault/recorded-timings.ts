import { VaultTimings, type VaultOutcome } from '../../../src/vault/vault-timings.js';

/** Counts calls by operation. */
export class RecordedTimings extends VaultTimings {
  readonly calls: { operation: string; seconds: number; outcome: VaultOutcome }[] = [];

  observe(operation: string, seconds: number, outcome: VaultOutcome): void {
    this.calls.push({ operation, seconds, outcome });
  }

  count(operation: string, outcome?: VaultOutcome): number {
    return this.calls.filter(
      (call) => call.operation === operation && (outcome ?? call.outcome) === call.outcome,
    ).length;
  }
}
