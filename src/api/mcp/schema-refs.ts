type Json = Readonly<Record<string, unknown>>;

/** Keywords whose values are data: what looks like a reference in there is none. */
const DATA = new Set(['const', 'enum', 'default', 'examples']);

/** Whether a schema refers to anything, so that it cannot be taken apart. */
export function hasReferences(schema: unknown): boolean {
  if (Array.isArray(schema)) return schema.some(hasReferences);
  if (typeof schema !== 'object' || schema === null) return false;
  return Object.entries(schema).some(([keyword, value]) =>
    ['$ref', '$dynamicRef', '$id', '$anchor', '$dynamicAnchor'].includes(keyword) && typeof value === 'string'
      ? true
      : !DATA.has(keyword) && hasReferences(value),
  );
}

/**
 * The schema as it has to be written below `at` (a JSON pointer) of another document: its references to itself
 * (`#`, `#/$defs/x`) lead where they led before. A schema with an `$id` is a document of its own and stays as it is.
 */
export function relocated(schema: Json, at: string): Json {
  return typeof schema['$id'] === 'string' ? schema : (moved(schema, at) as Json);
}

function moved(value: unknown, at: string): unknown {
  if (Array.isArray(value)) return value.map((item) => moved(item, at));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([keyword, member]) => {
      if ((keyword === '$ref' || keyword === '$dynamicRef') && typeof member === 'string')
        return [keyword, /^#(\/|$)/.test(member) ? `#${encodeURI(at)}${member.slice(1)}` : member];
      return [keyword, DATA.has(keyword) ? member : moved(member, at)];
    }),
  );
}
