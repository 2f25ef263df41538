import type { ToolArguments } from '../../gateway/tool/tool.js';
import type { ToolSpec } from '../../gateway/tool/tool-spec.js';
import { slotsOf, type Json, type Slot } from './form-slots.js';
import { narrowed, type Granted } from './granted-form.js';
import { relocated } from './schema-refs.js';

/**
 * The parameters of a tool as one flat form, which models fill in best: a property for each parameter and each member
 * of a body that is a plain object. A name that is used in more than one place is prefixed there (`query_id`).
 * What the grant fixes is not asked for; of what it narrows, only the values that are left are shown.
 */
export class ToolForm {
  /** JSON Schema 2020-12 of the form. */
  readonly inputSchema: { readonly type: 'object' } & Json;
  readonly #slots: ReadonlyMap<string, Slot>;
  /** Where a property goes that the form does not have. */
  readonly #elsewhere: 'query' | 'body';

  constructor({ parameters }: ToolSpec, granted: Granted = {}) {
    const slots = slotsOf(parameters);
    this.#elsewhere = slots.some(({ place, name }) => place === 'body' && name !== undefined)
      ? 'body'
      : 'query';
    this.#slots = named(slots);
    const asked = [...this.#slots].flatMap(([name, slot]) => narrowed(name, slot, granted));
    const required = asked.filter(([, slot]) => slot.required).map(([name]) => name);
    this.inputSchema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: Object.fromEntries(
        asked.map(([name, slot]) => [
          name,
          relocated(slot.schema, `/properties/${name.replace(/~/g, '~0').replace(/\//g, '~1')}`),
        ]),
      ),
      ...(required.length === 0 ? {} : { required }),
      additionalProperties: false,
    };
  }

  /**
   * What was filled in, sorted to its places; nothing is checked. A property that the form does not have becomes a
   * member of the body, or a query parameter where there is no such body; the tool refuses it by name.
   */
  argumentsOf(given: Json): ToolArguments {
    const places: Record<'path' | 'query' | 'header', Record<string, unknown>> = {
      path: {},
      query: {},
      header: {},
    };
    let body: unknown;
    for (const [property, value] of Object.entries(given)) {
      const slot = this.#slots.get(property) ?? { place: this.#elsewhere, name: property };
      if (slot.place !== 'body') put(places[slot.place], slot.name ?? property, value);
      else if (slot.name === undefined) body = value;
      else put((body ??= {}) as Record<string, unknown>, slot.name, value);
    }
    return { ...places, ...(body === undefined ? {} : { body }) };
  }

  /** A pointer into the tool's arguments, such as `/query/kind`, as one into the form. */
  fieldOf(pointer: string): string {
    const [, place = '', name = '', ...rest] = pointer.split('/');
    for (const [property, slot] of this.#slots) {
      if (slot.place !== place) continue;
      if (slot.name === undefined) return ['', property, ...pointer.split('/').slice(2)].join('/');
      if (slot.name === unescaped(name)) return ['', property, ...rest].join('/');
    }
    return place === this.#elsewhere ? ['', name, ...rest].join('/') : pointer;
  }
}

function named(slots: readonly Slot[]): Map<string, Slot> {
  const plain = slots.map(({ name }) => name ?? 'body');
  const often = new Set(plain.filter((name, at) => plain.indexOf(name) !== at));
  const taken = new Map<string, Slot>();
  slots.forEach((slot, at) => {
    let property = plain[at] ?? '';
    if (often.has(property)) property = `${slot.place}_${property}`;
    // A prefixed name can be somebody's own.
    while (taken.has(property) || (property !== plain[at] && plain.includes(property))) property += '_';
    taken.set(property, slot);
  });
  return taken;
}

/** Also for `__proto__`, which an assignment would take for something else. */
function put(into: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(into, name, { value, enumerable: true, configurable: true, writable: true });
}

function unescaped(token: string): string {
  return token.replace(/~1/g, '/').replace(/~0/g, '~');
}
