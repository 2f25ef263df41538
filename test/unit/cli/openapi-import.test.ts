import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { OpenApiDocument } from '../../../src/cli/openapi/document.js';
import { toolDraft, toolName, type ImportOptions } from '../../../src/cli/openapi/tool-draft.js';
import { reviewedTool } from '../../../src/gateway/tool/tool-review.js';
import type { ToolSpec } from '../../../src/gateway/tool/tool-spec.js';
import { compiledTool, refusal } from '../gateway/tool/tools.js';

const DOCUMENT = `
openapi: 3.0.3
servers: [{ url: 'https://{region}.api.example.com/v1/', variables: { region: { default: eu } } }]
security: [{ key: [] }]
paths:
  /users/{user_id}/orders:
    parameters:
      - { name: user_id, in: path, required: true, schema: { type: string, pattern: '^u-\\d+$', example: u-1 } }
    get:
      operationId: listOrders
      summary: Orders of a user
      parameters:
        - { $ref: '#/components/parameters/limit' }
        - { name: kind, in: query, schema: { type: array, items: { type: string, enum: [open, paid] } } }
        - { name: csv, in: query, explode: false, schema: { type: array, items: { type: string } } }
        - { name: filter, in: query, style: deepObject, schema: { type: object } }
        - { name: session, in: cookie, schema: { type: string } }
        - { name: Accept, in: header, schema: { type: string } }
        - { name: X-Trace, in: header, description: a trace, schema: { type: string } }
        - { name: X-Api-Key, in: header, schema: { type: string } }
      responses: { '200': { description: ok, content: { text/event-stream: {} } } }
    post:
      operationId: orders/create_one
      security: [{ oauth: [] }]
      requestBody:
        required: true
        content:
          application/json:
            schema: { $ref: '#/components/schemas/Order' }
  /raw:
    put:
      operationId: putRaw
      security: [{ both: [], key: [] }, { login: [] }]
      servers: [{ url: /relative }]
      requestBody: { content: { application/zip: { schema: { type: string, format: binary } } } }
components:
  parameters:
    limit: { name: limit, in: query, required: true, schema: { type: integer, minimum: 0, exclusiveMinimum: true } }
  schemas:
    Order:
      required: [item]
      properties:
        item: { type: string, minLength: 1, xml: { name: i } }
        note: { type: string, nullable: true, pattern: '(?=x)' }
        state: { type: string, enum: [new, old], nullable: true }
        parent: { $ref: '#/components/schemas/Order' }
      discriminator: { propertyName: item }
      x-internal: true
  securitySchemes:
    key: { type: apiKey, in: header, name: x-api-key }
    login: { type: http, scheme: Basic }
    oauth: { type: oauth2, flows: { clientCredentials: { tokenUrl: 'https://login.example.com/token', scopes: {} } } }
`;

const document = OpenApiDocument.of(parse(DOCUMENT));
const draft = (id: string, options: Partial<ImportOptions> = {}): { spec: ToolSpec; notes: string[] } => {
  const notes: string[] = [];
  const made = toolDraft(document, id, { note: (text) => notes.push(text), ...options });
  return { spec: reviewedTool(made), notes };
};

describe('what is not imported', () => {
  it.each([
    ['another version', { swagger: '2.0' }, 'not OpenAPI'],
    ['a list', [], 'one mapping'],
    ['nothing', null, 'one mapping'],
  ])('%s', (_name, value, message) => {
    expect(() => OpenApiDocument.of(value)).toThrow(message);
  });

  it('operations that there are not, and references to elsewhere', () => {
    expect(() => draft('nothing')).toThrow('no operation nothing');
    const elsewhere = OpenApiDocument.of({
      openapi: '3.1.0',
      servers: [{ url: 'https://a.example' }],
      paths: { '/x': { get: { operationId: 'x', parameters: [{ $ref: 'other.yaml#/a' }] } } },
    });
    expect(() => toolDraft(elsewhere, 'x', { note: () => undefined })).toThrow('bundle it first');
    expect(() => document.lookup('#/__proto__/x')).toThrow('has nothing there');
    expect(() => draft('putRaw')).toThrow('absolute server');
  });

  it('parameters that tools do not have, with a note of each', () => {
    const { spec, notes } = draft('listOrders');
    expect(Object.keys(spec.parameters.query)).toEqual(['limit', 'kind']);
    expect(Object.keys(spec.parameters.header)).toEqual(['X-Trace']);
    expect(notes.join('\n')).toMatch(/csv.*\n.*filter.*\n.*session/);
  });
});

describe('an operation becomes a tool', () => {
  it('with its URL, parameters, stream and credential', () => {
    const { spec } = draft('listOrders', { credential: 'orders-key', prefix: 'acme-' });
    expect(spec).toMatchObject({
      name: 'acme-list-orders',
      description: 'Orders of a user',
      method: 'GET',
      url: 'https://eu.api.example.com/v1/users/{user_id}/orders',
      parameters: {
        path: { user_id: { schema: { type: 'string', pattern: '^u-\\d+$' } } },
        query: { limit: { required: true, schema: { type: 'integer', exclusiveMinimum: 0 } } },
        header: { 'X-Trace': { description: 'a trace' } },
      },
      response: { stream: true },
      credential: { name: 'orders-key', inject: { as: 'header', name: 'x-api-key' } },
    });
    const tool = compiledTool(spec);
    const args = { path: { user_id: 'u-7' }, query: { limit: 1, kind: ['open', 'paid'] } };
    expect(tool.check(args).url.search).toBe('?limit=1&kind=open&kind=paid');
    expect(refusal(() => tool.check({ ...args, query: { limit: 0 } }))).toMatchObject({
      field: '/query/limit',
    });
  });

  it('with schemas that refer to themselves, and what 3.0 says in its own way', () => {
    const { spec, notes } = draft('orders/create_one', { credential: 'orders-key' });
    expect(spec.name).toBe('orders-create-one');
    expect(spec.credential?.inject).toMatchObject({
      as: 'oauth-client-credentials',
      token_url: 'https://login.example.com/token',
    });
    expect(notes).toEqual(['orders/create_one: The pattern (?=x) is not RE2 and was dropped.']);
    const tool = compiledTool(spec);
    const path = { user_id: 'u-7' };
    const body = { item: 'a', note: null, state: null, parent: { item: 'b' } };
    expect(tool.check({ path, body }).body).toBeDefined();
    for (const [wrong, code] of [
      [{ item: 'a', colour: 1 }, 'parameter_unknown'],
      [{ item: 'a', parent: { item: 'b', colour: 1 } }, 'parameter_unknown'],
      [{ item: 'a', parent: {} }, 'parameter_refused'],
      [{ item: 'a', state: 'other' }, 'parameter_refused'],
    ] as const)
      expect(refusal(() => tool.check({ path, body: wrong }))).toMatchObject({ code });
  });

  it('with bytes, another server, and the first way to authenticate that tools have', () => {
    const { spec } = draft('putRaw', { credential: 'c', server: 'https://other.example.com/' });
    expect(spec).toMatchObject({
      url: 'https://other.example.com/raw',
      parameters: { body: { content_type: 'application/zip', required: false } },
      credential: { inject: { as: 'basic' } },
    });
  });

  it.each([
    ['listOrders', 'list-orders'],
    ['repos/get-content', 'repos-get-content'],
    ['GetURL2', 'get-url2'],
    ['__x__', 'x'],
  ])('%s is named %s', (id, name) => {
    expect(toolName(id)).toBe(name);
  });
});
