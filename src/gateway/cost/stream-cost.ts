import type { CallCost, CallFacts } from './call-cost.js';
import { EventTexts } from './event-texts.js';
import type { Reported, ReportedUnits } from './reported-units.js';

/** Reads the cost of an answer while it streams by. */
export abstract class StreamCost {
  /** Looks at bytes as they pass; decoded, before or after they were scrubbed. */
  abstract chunk(bytes: Buffer): void;
  /** What the call came to; once, after the last chunk. */
  abstract settle(facts: Omit<CallFacts, 'json'>): CallCost;
}

/** Where the size alone counts, or nothing does. */
export class UnreadStream extends StreamCost {
  constructor(private readonly settled: (facts: CallFacts) => CallCost) {
    super();
  }

  chunk(): void {
    // Nothing in the answer changes the price.
  }

  settle(facts: Omit<CallFacts, 'json'>): CallCost {
    return this.settled(facts);
  }
}

/** Finds reported units in events of JSON. */
export class ReportingStream extends StreamCost {
  readonly #reported: Reported = { units: new Map(), of: undefined };
  readonly #texts = new EventTexts((text) => this.event(text));

  constructor(
    private readonly rule: ReportedUnits,
    private readonly settled: (reported: Reported, facts: CallFacts) => CallCost,
  ) {
    super();
  }

  chunk(bytes: Buffer): void {
    this.#texts.chunk(bytes);
  }

  settle(facts: Omit<CallFacts, 'json'>): CallCost {
    this.#texts.end();
    const complete = facts.complete !== false && !this.#texts.passedOver;
    return this.settled(this.#reported, { ...facts, complete });
  }

  private event(text: string): void {
    if (!this.isWorthParsing(text)) return;
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      // Such as the `[DONE]` at the end of a stream.
      return;
    }
    this.rule.addEvent(this.#reported, json);
  }

  // Nearly all events carry text alone; looking for a word is many times faster than parsing them.
  private isWorthParsing(text: string): boolean {
    if (this.rule.needles.some((needle) => text.includes(needle))) return true;
    const { ofNeedle } = this.rule;
    return this.#reported.of === undefined && ofNeedle !== undefined && text.includes(ofNeedle);
  }
}
