type Json = Readonly<Record<string, unknown>>;

/** Keywords whose schemas apply to the same place of the instance as their parent. */
const IN_PLACE = ['allOf', 'anyOf', 'oneOf', 'if', 'then', 'else'] as const;
/** Keywords whose schemas apply to members and items. */
const BELOW_MAPS = ['properties', 'patternProperties', 'dependentSchemas'] as const;
// Neither what `if`, `not` and `contains` ask: a question that is answered with no more often refuses less.
const BELOW = ['items', 'additionalProperties', 'unevaluatedItems'] as const;
const CLOSED_IN_PLACE = IN_PLACE.filter((keyword) => keyword !== 'if');

/**
 * A copy of a schema in which objects take no undeclared members: wherever `properties` are listed and nothing is said
 * about others, `unevaluatedProperties: false` is added. What says so itself (`additionalProperties`), and an object
 * of which no property is declared, stays open.
 */
export function closedSchema(schema: Json): Json {
  return closed(schema, schema, true) as Json;
}

function closed(schema: unknown, root: Json, boundary: boolean): unknown {
  if (!isObject(schema)) return schema;
  const copy: Record<string, unknown> = { ...schema };
  for (const keyword of BELOW_MAPS)
    if (isObject(copy[keyword]))
      copy[keyword] = mapped(copy[keyword], (each) => closed(each, root, keyword !== 'dependentSchemas'));
  for (const keyword of BELOW) copy[keyword] &&= closed(copy[keyword], root, true);
  if (Array.isArray(copy['prefixItems']))
    copy['prefixItems'] = copy['prefixItems'].map((each) => closed(each, root, true));
  for (const keyword of CLOSED_IN_PLACE) {
    const inner = copy[keyword];
    if (Array.isArray(inner)) copy[keyword] = inner.map((each) => closed(each, root, false));
    else if (isObject(inner)) copy[keyword] = closed(inner, root, false);
  }
  // A definition may be one part of several (`allOf`), so it is left open and closed where it is referred to.
  if (isObject(copy['$defs'])) copy['$defs'] = mapped(copy['$defs'], (each) => closed(each, root, false));
  const decides = 'additionalProperties' in copy || 'unevaluatedProperties' in copy;
  if (boundary && !decides && declares(schema, root, new Set())) copy['unevaluatedProperties'] = false;
  return copy;
}

/** Whether properties are declared for the place that a schema applies to. */
function declares(schema: unknown, root: Json, seen: Set<unknown>): boolean {
  if (!isObject(schema) || seen.has(schema)) return false;
  seen.add(schema);
  if ('properties' in schema || 'patternProperties' in schema) return true;
  const inner: unknown[] = IN_PLACE.flatMap((keyword) => schema[keyword]);
  if (typeof schema['$ref'] === 'string') inner.push(resolveLocal(schema['$ref'], root));
  return inner.some((each) => declares(each, root, seen));
}

/** What a local reference (`#/…`) of a schema leads to; undefined where it leads nowhere, or elsewhere. */
export function resolveLocal(ref: string, root: unknown): unknown {
  if (ref === '#') return root;
  if (!ref.startsWith('#/')) return undefined;
  let at: unknown = root;
  for (const token of ref.slice(2).split('/')) {
    const key = decodeURIComponent(token).replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<string, unknown>)[key];
  }
  return at;
}

function mapped(map: Json, change: (each: unknown) => unknown): Json {
  return Object.fromEntries(Object.entries(map).map(([key, each]) => [key, change(each)]));
}

/** Whether a value of JSON is an object. */
export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
