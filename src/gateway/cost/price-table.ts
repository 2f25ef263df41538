import type { CostSpec } from '../tool/tool-spec.js';

type Price = Extract<CostSpec, { readonly by: 'response' }>['units'][number]['prices'][number];

/** The prices of one unit, by day and by what the provider prices by. */
export class PriceTable {
  readonly #newestFirst: readonly Price[];

  constructor(prices: readonly Price[]) {
    this.#newestFirst = [...prices].sort((a, b) => (a.from < b.from ? 1 : -1));
  }

  /**
   * Millionths for one unit at a moment; undefined when no price is known. One for exactly this `of` counts before
   * one for any; of several, the one that began last.
   */
  at(moment: Date, of: string | undefined): number | undefined {
    const day = moment.toISOString().slice(0, 10);
    const begun = this.#newestFirst.filter((price) => price.from <= day);
    const price =
      (of === undefined ? undefined : begun.find((each) => each.of === of)) ??
      begun.find((each) => each.of === undefined);
    return price?.micros_per_unit;
  }
}
