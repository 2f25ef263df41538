import type { CostSpec } from '../tool/tool-spec.js';
import { JsonPointer } from './json-pointer.js';
import { PriceTable } from './price-table.js';

/** Costs that the provider's answer says. */
export type ResponseCost = Extract<CostSpec, { readonly by: 'response' }>;

interface Unit {
  readonly name: string;
  readonly inAnswer: JsonPointer;
  readonly inEvent: JsonPointer;
  readonly less: JsonPointer | undefined;
  readonly sums: boolean;
  readonly prices: PriceTable;
}

/** What was found in an answer: numbers by unit, and what chooses the price. */
export interface Reported {
  readonly units: Map<string, number>;
  of: string | undefined;
}

/** Where an answer reports its units and what they cost; compiled once for each version of a tool. */
export class ReportedUnits {
  readonly #units: readonly Unit[];
  readonly #of: JsonPointer | undefined;
  readonly #eventOf: JsonPointer | undefined;
  /** Texts of which an event must have one to be worth parsing. */
  readonly needles: readonly string[];

  constructor(spec: ResponseCost) {
    this.#units = spec.units.map((unit) => ({
      name: unit.name,
      inAnswer: JsonPointer.of(unit.pointer),
      inEvent: JsonPointer.of(unit.stream_pointer ?? unit.pointer),
      less: unit.less === undefined ? undefined : JsonPointer.of(unit.less),
      sums: unit.in_stream === 'sum',
      prices: new PriceTable(unit.prices),
    }));
    this.#of = spec.of === undefined ? undefined : JsonPointer.of(spec.of);
    const eventOf = spec.stream_of ?? spec.of;
    this.#eventOf = eventOf === undefined ? undefined : JsonPointer.of(eventOf);
    this.needles = [...new Set(this.#units.map((unit) => unit.inEvent.needle))];
  }

  /** The text that an event must have to say what chooses the price; undefined when nothing does. */
  get ofNeedle(): string | undefined {
    return this.#eventOf?.needle;
  }

  /** What an answer that was read as a whole reports. */
  inAnswer(json: unknown): Reported {
    const units = new Map<string, number>();
    for (const unit of this.#units) {
      const found = amount(json, unit.inAnswer, unit.less);
      if (found !== undefined) units.set(unit.name, found);
    }
    return { units, of: this.#of?.textIn(json) };
  }

  /** Adds what one event of a stream reports. */
  addEvent(reported: Reported, event: unknown): void {
    reported.of ??= this.#eventOf?.textIn(event);
    for (const unit of this.#units) {
      const found = amount(event, unit.inEvent, unit.less);
      if (found === undefined) continue;
      const before = unit.sums ? (reported.units.get(unit.name) ?? 0) : 0;
      reported.units.set(unit.name, before + found);
    }
  }

  /** Millionths for what was reported; undefined when a unit that was used has no price. */
  price({ units, of }: Reported, at: Date): number | undefined {
    let micros = 0;
    for (const unit of this.#units) {
      const count = units.get(unit.name) ?? 0;
      if (count === 0) continue;
      const each = unit.prices.at(at, of);
      if (each === undefined) return undefined;
      micros += count * each;
    }
    return Math.round(micros);
  }
}

function amount(json: unknown, whole: JsonPointer, part: JsonPointer | undefined): number | undefined {
  const found = whole.numberIn(json);
  if (found === undefined || part === undefined) return found;
  return Math.max(0, found - (part.numberIn(json) ?? 0));
}
