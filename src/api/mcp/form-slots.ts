import type { ToolSpec } from '../../gateway/tool/tool-spec.js';
import { hasReferences } from './schema-refs.js';

/** A schema, or any object of JSON. */
export type Json = Readonly<Record<string, unknown>>;
export type Place = 'path' | 'query' | 'header' | 'body';

/** Where the value of a property goes. */
export interface Slot {
  readonly place: Place;
  /** Name there; `undefined` for the body as a whole. */
  readonly name: string | undefined;
  readonly schema: Json;
  readonly required: boolean;
}

/** A slot for each parameter, and for each member of a body that can be taken apart; otherwise one for the body. */
export function slotsOf({ path, query, header, body }: ToolSpec['parameters']): readonly Slot[] {
  const members = body === undefined ? undefined : plainMembers(body.schema);
  return [
    ...declared('path', path),
    ...declared('query', query),
    ...declared('header', header),
    ...(body === undefined
      ? []
      : (members?.map((member) => ({ ...member, required: member.required && body.required })) ?? [
          wholeBody(body),
        ])),
  ];
}

function declared(
  place: Place,
  parameters: Readonly<
    Record<
      string,
      { readonly schema: Json; readonly required?: boolean; readonly description?: string | undefined }
    >
  >,
): Slot[] {
  return Object.entries(parameters).map(([name, { schema, required, description }]) => ({
    place,
    name,
    schema: description === undefined || 'description' in schema ? schema : { ...schema, description },
    required: place === 'path' || required === true,
  }));
}

function wholeBody(body: NonNullable<ToolSpec['parameters']['body']>): Slot {
  const schema = body.schema ?? {
    type: 'string',
    description: `the body, ${body.content_type}`,
    contentMediaType: body.content_type,
  };
  return { place: 'body', name: undefined, schema, required: body.required };
}

/** Keywords that an object schema may have beside its members and still be taken apart. */
const PLAIN = new Set([
  'type',
  'properties',
  'required',
  'additionalProperties',
  'description',
  'title',
  '$schema',
  '$comment',
  'examples',
]);

/** The members of an object schema that takes no others, and says nothing about them together. */
function plainMembers(schema: Json | undefined): Slot[] | undefined {
  if (schema?.['type'] !== 'object' || typeof schema['properties'] !== 'object') return undefined;
  if ((schema['additionalProperties'] ?? false) !== false) return undefined;
  if (Object.keys(schema).some((keyword) => !PLAIN.has(keyword)) || hasReferences(schema)) return undefined;
  const members = Object.entries(schema['properties'] as Record<string, Json | boolean>);
  if (members.length === 0) return undefined;
  const required = (schema['required'] ?? []) as readonly string[];
  return members.map(([name, member]) => ({
    place: 'body',
    name,
    schema: typeof member === 'boolean' ? (member ? {} : { not: {} }) : member,
    required: required.includes(name),
  }));
}
