import type { ToolLimits } from '../../../../src/gateway/tool/tool-spec.js';

/** What the model is told of a call. */
export interface ModelCall {
  readonly runRef: string;
  readonly grantId: string;
  readonly subject: string;
  readonly reserveMicros: number;
  readonly requestBytes: number;
}

/** What the model says of it. */
export type ModelVerdict =
  | { readonly ok: true; readonly remaining: readonly number[] }
  | {
      readonly ok: false;
      readonly kind: 'budget' | 'calls' | 'concurrent' | 'bytes';
      readonly retryMs: number | undefined;
    };

interface Counted {
  readonly atMs: number;
  readonly amount: number;
}

interface Open {
  readonly call: ModelCall;
  readonly day: string;
}

/** The limits of one tool, told as plainly as can be: lists of everything that ever happened. */
export class LimitModel {
  readonly #counted = new Map<string, Counted[]>();
  readonly #spent = new Map<string, number>();
  readonly #open = new Map<string, Open>();

  constructor(private readonly limits: ToolLimits) {}

  /** Calls that were let through and have not ended. */
  get open(): readonly string[] {
    return [...this.#open.keys()];
  }

  admit(id: string, call: ModelCall, atMs: number): ModelVerdict {
    const day = new Date(atMs).toISOString().slice(0, 10);
    const remaining: number[] = [];
    for (const { per, max_micros: max, window } of this.limits.budgets) {
      const used = this.budget(per, window, call, day);
      if (used + call.reserveMicros > max) return { ok: false, kind: 'budget', retryMs: undefined };
      remaining.push(max - used - call.reserveMicros);
    }
    for (const { per, max, window_seconds: seconds } of this.limits.calls) {
      const refused = this.window(`calls/${scope(per, call)}`, 1, max, seconds, atMs, remaining);
      if (refused !== undefined) return { ok: false, kind: 'calls', retryMs: refused };
    }
    for (const { per, max } of this.limits.concurrent) {
      const used = [...this.#open.values()].filter(
        (open) => scope(per, open.call) === scope(per, call),
      ).length;
      if (used + 1 > max) return { ok: false, kind: 'concurrent', retryMs: undefined };
      remaining.push(max - used - 1);
    }
    for (const { per, max, window_seconds: seconds } of this.limits.bytes) {
      const refused = this.window(
        `bytes/${scope(per, call)}`,
        call.requestBytes,
        max,
        seconds,
        atMs,
        remaining,
      );
      if (refused !== undefined) return { ok: false, kind: 'bytes', retryMs: refused };
    }
    for (const name of new Set(this.limits.calls.map(({ per }) => `calls/${scope(per, call)}`)))
      this.count(name, 1, atMs);
    for (const name of new Set(this.limits.bytes.map(({ per }) => `bytes/${scope(per, call)}`)))
      this.count(name, call.requestBytes, atMs);
    this.#open.set(id, { call, day });
    return { ok: true, remaining };
  }

  end(id: string, costMicros: number, responseBytes: number, atMs: number): void {
    const open = this.#open.get(id);
    if (open === undefined) return;
    this.#open.delete(id);
    for (const { per, window } of this.limits.budgets) {
      const name = budgetName(per, window, open.call, open.day);
      this.#spent.set(name, (this.#spent.get(name) ?? 0) + costMicros);
    }
    for (const name of new Set(this.limits.bytes.map(({ per }) => `bytes/${scope(per, open.call)}`)))
      this.count(name, responseBytes, atMs);
  }

  private budget(per: string, window: string, call: ModelCall, day: string): number {
    const name = budgetName(per, window, call, day);
    let used = this.#spent.get(name) ?? 0;
    for (const open of this.#open.values())
      if (budgetName(per, window, open.call, open.day) === name) used += open.call.reserveMicros;
    return used;
  }

  /** Milliseconds until it would pass, if it does not pass now. */
  private window(
    name: string,
    amount: number,
    max: number,
    seconds: number,
    atMs: number,
    remaining: number[],
  ): number | undefined {
    const all = this.#counted.get(name) ?? [];
    // Time does not go back for what is counted.
    const nowMs = Math.max(atMs, all.at(-1)?.atMs ?? atMs);
    const used = (ms: number): number =>
      all.filter((each) => each.atMs > ms - seconds * 1000).reduce((sum, each) => sum + each.amount, 0);
    if (used(nowMs) + amount <= max) {
      remaining.push(max - used(nowMs) - amount);
      return undefined;
    }
    const passes = all
      .map((each) => each.atMs + seconds * 1000)
      .find((ms) => ms > nowMs && used(ms) + amount <= max);
    return (passes ?? nowMs + seconds * 1000) - atMs;
  }

  private count(name: string, amount: number, atMs: number): void {
    const all = this.#counted.get(name) ?? [];
    if (amount > 0) all.push({ atMs: Math.max(atMs, all.at(-1)?.atMs ?? atMs), amount });
    this.#counted.set(name, all);
  }
}

function scope(per: string, { runRef, grantId, subject }: ModelCall): string {
  return `${per}/${per === 'run' ? runRef : per === 'grant' ? grantId : per === 'workload' ? subject : ''}`;
}

function budgetName(per: string, window: string, call: ModelCall, day: string): string {
  return `${window}/${scope(per, call)}/${window === 'day' ? day : window === 'run' ? call.runRef : ''}`;
}
