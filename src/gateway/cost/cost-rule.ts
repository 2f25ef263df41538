import type { CostSpec } from '../tool/tool-spec.js';
import type { CallCost, CallFacts } from './call-cost.js';
import { ReportedUnits, type Reported } from './reported-units.js';
import { ReportingStream, UnreadStream, type StreamCost } from './stream-cost.js';

const MEBIBYTE = 1_048_576;
const FIRST_REFUSAL = 400;

/** What calls of a tool cost; one for each version of a tool. */
export abstract class CostRule {
  /** The rule of a spec; without one, calls cost nothing. */
  static of(spec: CostSpec | undefined): CostRule {
    if (spec === undefined) return new FlatCost(0);
    switch (spec.by) {
      case 'call':
        return new FlatCost(spec.micros);
      case 'byte':
        return new SizeCost(spec.micros_per_mebibyte);
      case 'response':
        return new ReportedCost(spec.reserve_micros, new ReportedUnits(spec));
    }
  }

  /** Millionths to set aside before a call: what is known of it by then. */
  abstract reserveMicros(requestBytes?: number): number;

  /** What a call came to whose answer was read as a whole, or that had none. */
  abstract settle(facts: CallFacts): CallCost;

  /** Reads the cost of an answer while it streams by; one for each call. */
  abstract stream(): StreamCost;
}

/** The same for each call. */
class FlatCost extends CostRule {
  readonly #cost: CallCost;

  constructor(micros: number) {
    super();
    this.#cost = { micros, units: {}, estimated: false };
  }

  reserveMicros(): number {
    return this.#cost.micros;
  }

  settle(): CallCost {
    return this.#cost;
  }

  stream(): StreamCost {
    return new UnreadStream(() => this.#cost);
  }
}

/** By what went over the wire, in both directions. */
class SizeCost extends CostRule {
  constructor(private readonly microsPerMebibyte: number) {
    super();
  }

  reserveMicros(requestBytes = 0): number {
    return Math.ceil((requestBytes / MEBIBYTE) * this.microsPerMebibyte);
  }

  settle({ requestBytes, responseBytes }: CallFacts): CallCost {
    const bytes = requestBytes + responseBytes;
    const micros = Math.ceil((bytes / MEBIBYTE) * this.microsPerMebibyte);
    return { micros, units: { bytes }, estimated: false };
  }

  stream(): StreamCost {
    return new UnreadStream((facts) => this.settle(facts));
  }
}

/** By the units that the provider reports. */
class ReportedCost extends CostRule {
  constructor(
    private readonly reserve: number,
    private readonly rule: ReportedUnits,
  ) {
    super();
  }

  reserveMicros(): number {
    return this.reserve;
  }

  settle(facts: CallFacts): CallCost {
    return this.priced(this.rule.inAnswer(facts.json), facts);
  }

  stream(): StreamCost {
    return new ReportingStream(this.rule, (reported, facts) => this.priced(reported, facts));
  }

  private priced(reported: Reported, { at, status, complete }: CallFacts): CallCost {
    const units = Object.fromEntries(reported.units);
    if (reported.units.size === 0 && status !== undefined && status >= FIRST_REFUSAL)
      return { micros: 0, units, estimated: false };
    const micros = this.rule.price(reported, at);
    if (micros === undefined || reported.units.size === 0)
      return { micros: this.reserve, units, estimated: true };
    // A stream that was cut off never said its totals: what it did say is the least that it cost.
    if (complete === false) return { micros: Math.max(micros, this.reserve), units, estimated: true };
    return { micros, units, estimated: false };
  }
}
