import type { Json, Slot } from './form-slots.js';

/** What a grant says of a tool's parameters, by pointers such as `/query/kind`. */
export interface Granted {
  /** Filled in, whatever the caller leaves out. */
  readonly constants?: Readonly<Record<string, unknown>> | undefined;
  /** All that may be chosen. */
  readonly allow?: Readonly<Record<string, readonly unknown[]>> | undefined;
}

/** The slot as the grant leaves it: nothing where the value is fixed, otherwise one. */
export function narrowed(
  property: string,
  slot: Slot,
  { constants = {}, allow = {} }: Granted,
): [string, Slot][] {
  if (slot.name === undefined) return [[property, slot]];
  const name = slot.name.replace(/~/g, '~0').replace(/\//g, '~1');
  const pointers = [
    `/${slot.place}/${name}`,
    ...(slot.place === 'header' ? [`/header/${name.toLowerCase()}`] : []),
  ];
  if (pointers.some((pointer) => Object.hasOwn(constants, pointer))) return [];
  const values = pointers.flatMap((pointer) => (Object.hasOwn(allow, pointer) ? [allow[pointer]] : []))[0];
  if (values === undefined) return [[property, slot]];
  // Of a list, each member has to be one of the values.
  const schema = takesList(slot.schema)
    ? { ...slot.schema, items: { enum: values } }
    : { ...slot.schema, enum: values };
  return [[property, { ...slot, schema, required: true }]];
}

function takesList({ type }: Json): boolean {
  return type === 'array' || (Array.isArray(type) && type.includes('array'));
}
