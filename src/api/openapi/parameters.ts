import type { Components, JsonSchema } from './components.js';
import type { DeclaredRoute } from './routes.js';

const IDEMPOTENCY = {
  replays:
    'The same request with the same key answers what it answered before, with `Idempotency-Replayed: true`.',
  supersedes: 'A retry with the same key revokes the earlier lease: there are never two.',
} as const;

/** Path, query and header parameters of a route. */
export function operationParameters(route: DeclaredRoute, components: Components): JsonSchema[] {
  const path = route.parameters.map((name) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  return [...path, ...queryParameters(route, components), ...headers(route)];
}

function queryParameters({ query }: DeclaredRoute, components: Components): JsonSchema[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = components.of(query, 'input') as {
    properties?: Record<string, JsonSchema>;
    required?: readonly string[];
  };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema,
  }));
}

function headers({ operation }: DeclaredRoute): JsonSchema[] {
  const found: JsonSchema[] = [];
  if (operation?.versioned === 'requires')
    found.push({
      name: 'If-Match',
      in: 'header',
      required: true,
      description: 'the ETag that you read',
      schema: { type: 'string' },
    });
  if (operation?.idempotency !== undefined)
    found.push({
      name: 'Idempotency-Key',
      in: 'header',
      required: false,
      description: IDEMPOTENCY[operation.idempotency],
      schema: { type: 'string', minLength: 1, maxLength: 255 },
    });
  return found;
}
