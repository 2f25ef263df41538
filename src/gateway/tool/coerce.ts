import { isObject, resolveLocal } from './closed-schema.js';

/**
 * What a text from a URL or form stands for under a schema: a number or boolean where the schema takes one and no
 * text, and where it would be written in the same way again. Anything else stays as it is, for the schema to refuse.
 */
export function coerced(value: unknown, schema: unknown, root: unknown = schema): unknown {
  if (typeof value === 'string') return coercedText(value, typesOf(schema, root, new Set()));
  const facets = facetsOf(schema, root, new Set());
  if (Array.isArray(value)) {
    const items = facets.map((facet) => facet['items']).find(isObject);
    return value.map((each: unknown) => coerced(each, items, root));
  }
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, coerced(each, memberOf(facets, key), root)]),
  );
}

/** Whether a schema takes lists, and so a name that stands several times. */
export function takesList(schema: unknown): boolean {
  return typesOf(schema, schema, new Set()).has('array');
}

function coercedText(text: string, types: ReadonlySet<string>): unknown {
  if (types.has('string')) return text;
  if (types.has('array')) return [text];
  if (types.has('integer') || types.has('number')) {
    const number = Number(text);
    if (text !== '' && Number.isFinite(number) && String(number) === text) return number;
  }
  if (types.has('boolean') && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

function memberOf(facets: readonly Readonly<Record<string, unknown>>[], key: string): unknown {
  for (const { properties, additionalProperties } of facets) {
    if (isObject(properties) && Object.hasOwn(properties, key)) return properties[key];
    if (isObject(additionalProperties)) return additionalProperties;
  }
  return undefined;
}

/** A schema and all that apply to the same place with it. */
function facetsOf(
  schema: unknown,
  root: unknown,
  seen: Set<unknown>,
): readonly Readonly<Record<string, unknown>>[] {
  if (!isObject(schema) || seen.has(schema)) return [];
  seen.add(schema);
  const inner = [schema['allOf'], schema['anyOf'], schema['oneOf']].flatMap((list): unknown[] =>
    Array.isArray(list) ? list : [],
  );
  if (typeof schema['$ref'] === 'string') inner.push(resolveLocal(schema['$ref'], root));
  return [schema, ...inner.flatMap((each) => facetsOf(each, root, seen))];
}

function typesOf(schema: unknown, root: unknown, seen: Set<unknown>): ReadonlySet<string> {
  const types = new Set<string>();
  for (const { type, const: constant, enum: values } of facetsOf(schema, root, seen)) {
    for (const each of Array.isArray(type) ? type : [type]) if (typeof each === 'string') types.add(each);
    if (type !== undefined) continue;
    for (const each of Array.isArray(values) ? values : [constant])
      if (each !== undefined) types.add(typeof each);
  }
  return types;
}
