import { z } from 'zod';

/** A JSON Schema, as OpenAPI 3.1 has it. */
export type JsonSchema = Record<string, unknown>;

/**
 * Turns zod schemas into JSON Schema 2020-12 and collects the named ones as components. A schema whose input and output
 * differ has two components when it is used both ways.
 */
export class Components {
  readonly schemas: Record<string, JsonSchema> = {};

  /** The schema of what callers send (`input`) or get (`output`). */
  of(schema: z.core.$ZodType, io: 'input' | 'output'): JsonSchema {
    const {
      $schema: _dialect,
      $defs,
      ...converted
    } = z.toJSONSchema(schema, {
      io,
      target: 'draft-2020-12',
      unrepresentable: 'any',
    }) as JsonSchema & { $defs?: Record<string, JsonSchema> };
    for (const [name, definition] of Object.entries($defs ?? {})) this.add(name, definition);
    const name = z.globalRegistry.get(schema)?.id;
    return name === undefined ? plain(converted) : this.add(name, converted);
  }

  private add(name: string, definition: JsonSchema): JsonSchema {
    this.schemas[name] ??= plain(definition);
    return { $ref: `#/components/schemas/${name}` };
  }
}

/** Points references at the components, and drops zod's own ids, which are none of JSON Schema's. */
function plain(schema: JsonSchema): JsonSchema {
  const { id: _id, ...rest } = schema;
  return rewrite(rest) as JsonSchema;
}

function rewrite(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(rewrite);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      key === '$ref' && typeof member === 'string'
        ? member.replace('#/$defs/', '#/components/schemas/')
        : rewrite(member),
    ]),
  );
}
