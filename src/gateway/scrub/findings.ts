import type { Finding } from './finding.js';
import { CREDENTIAL, type Span } from './span.js';

/** Counts what was found, by kind. */
export class FindingCounts {
  readonly #counts = new Map<string, number>();

  add(spans: readonly Span[]): void {
    for (const { kind } of spans) this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
  }

  addCredential(): void {
    this.#counts.set(CREDENTIAL, (this.#counts.get(CREDENTIAL) ?? 0) + 1);
  }

  /** By kind, in alphabetical order. */
  list(): Finding[] {
    return [...this.#counts]
      .map(([kind, count]) => ({ kind, count }))
      .sort((a, b) => (a.kind < b.kind ? -1 : 1));
  }
}
