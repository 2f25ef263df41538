import { BrokerError } from '../../kernel/broker-error.js';
import { isObject } from './closed-schema.js';
import { escapePointer } from './json-schemas.js';
import { parameterRefused } from './path-segment.js';
import type { ToolArguments } from './tool.js';

/** Arguments with every place there, and header names in lower case. */
export interface NormalizedArguments {
  readonly path: Readonly<Record<string, unknown>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly header: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

const PLACES = new Set(['path', 'query', 'header', 'body']);

/** Refuses places that no tool has with `parameter_unknown`, and a header that stands twice. */
export function normalized(given: ToolArguments): NormalizedArguments {
  for (const place of Object.keys(given))
    if (!PLACES.has(place)) throw new BrokerError('parameter_unknown', { field: `/${place.slice(0, 128)}` });
  for (const place of ['path', 'query', 'header'] as const)
    if (given[place] !== undefined && !isObject(given[place]))
      throw parameterRefused(`/${place}`, 'is not an object');
  const { path = {}, query = {}, header = {}, body } = given;
  const lower: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(header)) {
    if (Object.hasOwn(lower, name.toLowerCase()))
      throw parameterRefused(`/header/${escapePointer(name.slice(0, 128))}`, 'is there twice');
    lower[name.toLowerCase()] = value;
  }
  return { path, query, header: lower, body };
}
