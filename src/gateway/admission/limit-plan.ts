import type { AdmissionRequest } from './admission-request.js';
import { keyOf, rulesOf, type LimitRule } from './limit-rule.js';

/** Everything that is counted for a group of calls, in the arrays that `admit_calls` takes. Places count from 1. */
export class LimitPlan {
  readonly keys: string[] = [];
  readonly kinds: string[] = [];
  readonly names: string[] = [];
  readonly keepSeconds: number[] = [];
  readonly slotKeys: number[] = [];
  readonly slotWindows: number[] = [];
  /** Where the limits of each call begin, and behind the last where they end. */
  readonly limitFrom: number[] = [1];
  readonly limitCall: number[] = [];
  readonly limitSlot: number[] = [];
  readonly limitAmount: number[] = [];
  readonly limitMax: number[] = [];
  readonly limitCounts: boolean[] = [];
  /** For each call the keys that its end moves, as an array literal. */
  readonly settles: string[] = [];
  readonly #rules: LimitRule[] = [];
  readonly #places = new Map<string, number>();
  readonly #slots = new Map<string, number>();

  constructor(requests: readonly AdmissionRequest[], now: Date) {
    const day = now.toISOString().slice(0, 10);
    requests.forEach((request, index) => this.add(request, index + 1, day));
  }

  /** The rules of the call at this index of the group, each with the place of its limit. */
  rulesAt(index: number): readonly { readonly rule: LimitRule; readonly place: number }[] {
    const from = this.limitFrom[index] ?? 1;
    const to = this.limitFrom[index + 1] ?? from;
    return this.#rules.slice(from - 1, to - 1).map((rule, offset) => ({ rule, place: from + offset }));
  }

  /** The rule of a limit. */
  ruleOf(place: number): LimitRule | undefined {
    return this.#rules[place - 1];
  }

  private add(request: AdmissionRequest, call: number, day: string): void {
    const settles: string[] = [];
    const counted = new Set<number>();
    for (const rule of rulesOf(request.limits)) {
      const place = this.place(rule, rule.counter(request, day));
      this.limitCall.push(call);
      this.limitSlot.push(this.slot(place, rule.windowSeconds));
      this.limitAmount.push(rule.amount(request));
      this.limitMax.push(rule.max);
      // Windows of several lengths look at the same count, which a call moves once.
      this.limitCounts.push(!counted.has(place));
      if (rule.kind !== 'calls' && !counted.has(place)) settles.push(this.keys[place - 1] ?? '');
      counted.add(place);
      this.#rules.push(rule);
    }
    this.limitFrom.push(this.limitCall.length + 1);
    this.settles.push(`{${settles.join(',')}}`);
  }

  private place(rule: LimitRule, counter: string): number {
    const known = this.#places.get(counter);
    if (known !== undefined) {
      this.keepSeconds[known - 1] = Math.max(this.keepSeconds[known - 1] ?? 0, rule.keepSeconds);
      return known;
    }
    const place = this.keys.push(keyOf(counter));
    this.kinds.push(rule.kind);
    this.names.push(counter);
    this.keepSeconds.push(rule.keepSeconds);
    this.#places.set(counter, place);
    return place;
  }

  private slot(place: number, windowSeconds: number): number {
    const name = `${place}/${windowSeconds}`;
    const known = this.#slots.get(name);
    if (known !== undefined) return known;
    this.slotWindows.push(windowSeconds);
    const slot = this.slotKeys.push(place);
    this.#slots.set(name, slot);
    return slot;
  }
}
