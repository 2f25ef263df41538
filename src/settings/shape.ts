import { z } from 'zod';

/** A schema with its defaults and wrappers taken off, and what they said. */
export interface Unwrapped {
  readonly schema: z.core.$ZodType;
  readonly optional: boolean;
  /** The value of a default, in JSON; `undefined` where there is none. */
  readonly fallback: unknown;
  readonly description: string | undefined;
  /** Whether the value becomes something else after validation, as secrets do. */
  readonly transformed: boolean;
}

/** Takes defaults, optionality and transforms off a schema. */
export function unwrap(schema: z.core.$ZodType): Unwrapped {
  let current = schema;
  let optional = false;
  let fallback: unknown;
  let transformed = false;
  let description = descriptionOf(schema);
  for (;;) {
    const def = current._zod.def as z.core.$ZodTypes['_zod']['def'];
    if (def.type === 'default' || def.type === 'prefault') fallback ??= def.defaultValue;
    else if (def.type === 'optional') optional = true;
    else if (def.type === 'pipe') transformed = true;
    else if (def.type !== 'nullable' && def.type !== 'readonly') break;
    current = def.type === 'pipe' ? def.in : def.innerType;
    description ??= descriptionOf(current);
  }
  return { schema: current, optional, fallback, description, transformed };
}

function descriptionOf(schema: z.core.$ZodType): string | undefined {
  return z.globalRegistry.get(schema)?.description;
}

/** The members of an object schema, or of all objects of a union; `undefined` for anything else. */
export function membersOf(schema: z.core.$ZodType): ReadonlyMap<string, z.core.$ZodType> | undefined {
  const def = unwrap(schema).schema._zod.def as z.core.$ZodTypes['_zod']['def'];
  if (def.type === 'object') return new Map(Object.entries(def.shape));
  if (def.type !== 'union') return undefined;
  const options = def.options.map(membersOf);
  if (options.some((option) => option === undefined)) return undefined;
  const merged = new Map<string, z.core.$ZodType[]>();
  for (const [key, member] of options.flatMap((option) => [...(option ?? [])]))
    merged.set(key, [...(merged.get(key) ?? []), member]);
  return new Map([...merged].map(([key, [first, ...rest]]) => [key, eitherOf(first, rest)]));
}

function eitherOf(first: z.core.$ZodType | undefined, rest: readonly z.core.$ZodType[]): z.core.$ZodType {
  if (first === undefined) return z.never();
  return rest.length === 0 ? first : z.union([first, ...rest]);
}

/** The kind of JSON value that a leaf takes from text. */
export function leafKind(schema: z.core.$ZodType): 'text' | 'number' | 'boolean' | 'json' {
  const def = unwrap(schema).schema._zod.def as z.core.$ZodTypes['_zod']['def'];
  if (def.type === 'string' || def.type === 'enum' || def.type === 'literal') return 'text';
  if (def.type === 'number' || def.type === 'boolean') return def.type;
  if (def.type === 'union' && def.options.every((option) => leafKind(option) === 'text')) return 'text';
  return 'json';
}

/** `roleId` as it stands in the name of an environment variable: `ROLE_ID`. */
export function environmentName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}
