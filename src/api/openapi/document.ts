import type { Type } from '@nestjs/common';
import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import { ERROR_CODES, type ErrorCode } from '../../kernel/error-codes.js';
import { grouped } from './grouped.js';
import { Components, type JsonSchema } from './components.js';
import { operationParameters } from './parameters.js';
import { declaredRoutes, type DeclaredRoute } from './routes.js';
import { ERROR_SCHEMAS } from './error-schemas.js';
import { SECURITY_SCHEMES, securityOf } from './security.js';

/** An OpenAPI 3.1 document. */
export type OpenApiDocument = Record<string, unknown> & {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, JsonSchema>>;
};

/** Codes that any route may answer, by what it takes. */
const ALWAYS: readonly ErrorCode[] = ['database_unavailable', 'internal_error'];
const WITH_BODY: readonly ErrorCode[] = [
  'request_malformed',
  'request_invalid',
  'request_too_large',
  'media_type_unsupported',
];

/**
 * The API's description, from the decorators on its routes and the schemas that validate its requests: what is
 * described is what runs. A route without `@Documented` fails the build of it.
 */
export function openApiDocument(controllers: readonly Type[], version: string): OpenApiDocument {
  const components = new Components();
  const paths: Record<string, Record<string, JsonSchema>> = {};
  for (const route of declaredRoutes(controllers)) {
    const item = (paths[route.path] ??= {});
    item[route.method.toLowerCase()] = operationOf(route, components);
  }
  const problem = components.of(ERROR_SCHEMAS.problem, 'output');
  const oauth = components.of(ERROR_SCHEMAS.oauth, 'output');
  return {
    openapi: '3.1.1',
    info: {
      title: 'Leasegate',
      version,
      summary: 'Short-lived credentials, bound to a run and gone when it ends.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths: Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))),
    components: {
      securitySchemes: SECURITY_SCHEMES,
      responses: {
        Problem: {
          description: 'A refusal or failure (RFC 9457); `code` is stable.',
          content: { 'application/problem+json': { schema: problem } },
        },
        OAuthError: {
          description: 'A refusal or failure (RFC 6749 §5.2); `code` is stable.',
          content: { 'application/json': { schema: oauth } },
        },
      },
      schemas: Object.fromEntries(Object.entries(components.schemas).sort(([a], [b]) => (a < b ? -1 : 1))),
    },
  };
}

function operationOf(route: DeclaredRoute, components: Components): JsonSchema {
  const { operation, access } = route;
  if (operation === undefined || access === undefined)
    throw new Error(`${route.handler} is not documented, or declares no access`);
  const body = operation.form ?? route.body;
  return {
    operationId: operation.id,
    tags: [operation.tag],
    summary: operation.summary,
    description: [operation.description, accessNote(route)].filter(Boolean).join('\n\n'),
    security: securityOf(access),
    parameters: operationParameters(route, components),
    ...(operation.records !== undefined && { requestBody: recordsBody(operation.records) }),
    ...(body === undefined
      ? {}
      : { requestBody: requestBody(body, operation.form !== undefined, components) }),
    responses: {
      ...success(route, components),
      ...refusals(route, body !== undefined || operation.records !== undefined),
    },
  };
}

function requestBody(schema: z.ZodType, form: boolean, components: Components): JsonSchema {
  const mediaType = form ? 'application/x-www-form-urlencoded' : 'application/json';
  return {
    required: !schema.safeParse(undefined).success,
    content: { [mediaType]: { schema: components.of(schema, 'input') } },
  };
}

function recordsBody(mediaTypes: readonly string[]): JsonSchema {
  const content = Object.fromEntries(mediaTypes.map((type) => [type, { schema: { type: 'string' } }]));
  return { required: true, content };
}

function success({ operation }: DeclaredRoute, components: Components): JsonSchema {
  const status = operation?.status ?? 200;
  const answer = operation?.answer;
  const content =
    answer === undefined
      ? undefined
      : answer instanceof z.ZodType
        ? { 'application/json': { schema: components.of(answer, 'output') } }
        : { [answer.mediaType]: { schema: { type: 'string' } } };
  const etag = { ETag: { description: 'version, for If-Match', schema: { type: 'string' } } };
  return {
    [String(status)]: {
      description: STATUS_CODES[status] ?? 'Success',
      ...(operation?.versioned === undefined ? {} : { headers: etag }),
      ...(content === undefined ? {} : { content }),
    },
  };
}

function refusals(route: DeclaredRoute, hasBody: boolean): JsonSchema {
  const { operation, access } = route;
  const codes = new Set<ErrorCode>([...(operation?.errors ?? [])]);
  for (const code of [...(hasBody ? WITH_BODY : []), ...ALWAYS]) codes.add(code);
  if (route.query !== undefined) codes.add('request_invalid');
  if (access?.kind !== 'public') codes.add('authentication_required');
  if (access?.kind === 'roles') codes.add('role_required');
  if (operation?.versioned === 'requires') codes.add('precondition_required');
  const oauth = route.path.startsWith('/oauth2/');
  if (oauth) return { default: { $ref: '#/components/responses/OAuthError' } };
  const byStatus = grouped([...codes].sort(), (code) => ERROR_CODES[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, of]) => [
      String(status),
      {
        description: of.map((code) => `\`${code}\`: ${ERROR_CODES[code].title}`).join('\n\n'),
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]),
  );
}

function accessNote({ access }: DeclaredRoute): string {
  switch (access?.kind) {
    case 'public':
      return `Needs no token: ${access.why}.`;
    case 'roles':
      return `Needs one of the roles: ${access.roles.join(', ')}.`;
    case 'run-token':
      return 'Needs a run token.';
    case 'workload':
      return "Needs the platform's OIDC token.";
    case undefined:
      return '';
  }
}
