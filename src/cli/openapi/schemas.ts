import { RE2JS } from 're2js';
import { isNode, type Node, type OpenApiDocument } from './document.js';

// What JSON Schema 2020-12 knows and a tool can use; everything else of OpenAPI is a note to readers.
const KEPT = new Set(
  (
    'type enum const title description default minimum maximum exclusiveMinimum exclusiveMaximum multipleOf ' +
    'minLength maxLength pattern format minItems maxItems uniqueItems items prefixItems contains minProperties ' +
    'maxProperties required properties patternProperties additionalProperties propertyNames allOf anyOf oneOf not'
  ).split(' '),
);
const FORMATS = new Set(
  (
    'date time date-time duration email hostname ipv4 ipv6 uri uri-reference uuid json-pointer regex byte binary ' +
    'password int32 int64 float double'
  ).split(' '),
);
const LISTS = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems']);
const MAPS = new Set(['properties', 'patternProperties']);
const SINGLE = new Set(['items', 'contains', 'additionalProperties', 'propertyNames', 'not']);

/**
 * Turns schemas of a document into JSON Schemas 2020-12 that stand by themselves: what they refer to comes along in
 * `$defs`, what only OpenAPI knows is dropped, and `nullable` and the flags of 3.0 become what they mean.
 */
export class SchemaConversion {
  constructor(
    private readonly document: OpenApiDocument,
    private readonly note: (text: string) => void,
  ) {}

  /** One schema with everything that it needs. */
  standalone(schema: unknown): Node {
    const definitions = new Map<string, unknown>();
    const converted = this.convert(schema, definitions);
    const result: Record<string, unknown> = isNode(converted) ? { ...converted } : {};
    if (definitions.size > 0) result['$defs'] = Object.fromEntries(definitions);
    return result;
  }

  private convert(schema: unknown, definitions: Map<string, unknown>): unknown {
    if (!isNode(schema)) return schema;
    if (typeof schema['$ref'] === 'string') return { $ref: this.define(schema['$ref'], definitions) };
    const made: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(schema)) {
      if (!KEPT.has(key)) continue;
      if (LISTS.has(key) && Array.isArray(value))
        made[key] = value.map((each) => this.convert(each, definitions));
      else if (MAPS.has(key) && isNode(value))
        made[key] = Object.fromEntries(
          Object.entries(value).map(([name, each]) => [name, this.convert(each, definitions)]),
        );
      else made[key] = SINGLE.has(key) ? this.convert(value, definitions) : value;
    }
    return this.settled(schema, made);
  }

  /** Names a definition, and converts it the first time that it is referred to. */
  private define(ref: string, definitions: Map<string, unknown>): string {
    const name = ref.replace(/^#\/(?:components\/schemas\/)?/, '').replace(/[^A-Za-z0-9._-]/g, '_');
    if (!definitions.has(name)) {
      // Before it is converted, so that a schema which refers to itself ends here.
      definitions.set(name, true);
      definitions.set(name, this.convert(this.document.lookup(ref), definitions));
    }
    return `#/$defs/${name}`;
  }

  private settled(schema: Node, made: Record<string, unknown>): Node {
    for (const [flag, bound] of [
      ['exclusiveMinimum', 'minimum'],
      ['exclusiveMaximum', 'maximum'],
    ] as const) {
      if (typeof made[flag] !== 'boolean') continue;
      if (made[flag] && typeof made[bound] === 'number') {
        made[flag] = made[bound];
        delete made[bound];
      } else delete made[flag];
    }
    if (typeof made['format'] === 'string' && !FORMATS.has(made['format'])) delete made['format'];
    if (typeof made['pattern'] === 'string' && !isLinear(made['pattern'])) {
      this.note(`The pattern ${made['pattern']} is not RE2 and was dropped.`);
      delete made['pattern'];
    }
    made['type'] ??= impliedType(made);
    if (made['type'] === undefined) delete made['type'];
    if (schema['nullable'] === true) return nullable(made);
    return made;
  }
}

function nullable(made: Record<string, unknown>): Node {
  if (typeof made['type'] !== 'string') return { anyOf: [made, { type: 'null' }] };
  const { enum: values } = made;
  return {
    ...made,
    type: [made['type'], 'null'],
    ...(Array.isArray(values) && { enum: [...new Set([...(values as unknown[]), null])] }),
  };
}

/** Keywords that only have an effect on one type are written for that type. */
function impliedType(made: Node): string | undefined {
  if ('properties' in made || 'additionalProperties' in made) return 'object';
  if ('items' in made || 'minItems' in made || 'maxItems' in made) return 'array';
  if ('minLength' in made || 'maxLength' in made || 'pattern' in made || 'format' in made) return 'string';
  return 'minimum' in made || 'maximum' in made ? 'number' : undefined;
}

function isLinear(pattern: string): boolean {
  try {
    RE2JS.compile(RE2JS.translateRegExp(pattern));
    return true;
  } catch {
    return false;
  }
}
