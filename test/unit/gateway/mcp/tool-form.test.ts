import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ToolForm } from '../../../../src/api/mcp/tool-form.js';
import { toolSpecSchema, type ToolSpecInput } from '../../../../src/gateway/tool/tool-spec.js';

function formOf(
  parameters: ToolSpecInput['parameters'],
  url = 'https://api.example.com/v1/orders',
): ToolForm {
  return new ToolForm(toolSpecSchema.parse({ name: 'orders', method: 'POST', url, parameters, labels: {} }));
}

const closed = (properties: Record<string, unknown>, required: string[] = []): Record<string, unknown> => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});

describe('a form', () => {
  it('hands on what it does not know, so that the tool refuses it by name', () => {
    expect(formOf({ query: { kind: { schema: { type: 'string' } } } }).argumentsOf({ other: 1 })).toEqual({
      path: {},
      query: { other: 1 },
      header: {},
    });
    expect(formOf({ body: { schema: closed({ a: {} }) } }).argumentsOf({ other: 1 }).body).toEqual({
      other: 1,
    });
  });

  it('does not take a property for the prototype', () => {
    const given = JSON.parse('{"__proto__": {"polluted": true}}') as Record<string, unknown>;
    const { query } = formOf({}).argumentsOf(given);
    expect(Object.keys(query ?? {})).toEqual(['__proto__']);
    expect((query as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('has one property for each parameter and each member of the body', () => {
    const form = formOf(
      {
        path: { user: { schema: { type: 'string' }, description: 'whose' } },
        query: { limit: { schema: { type: 'integer' } } },
        header: { 'x-trace': { schema: { type: 'string' }, required: true } },
        body: { schema: closed({ item: { type: 'string' }, note: { type: 'string' } }, ['item']) },
      },
      'https://api.example.com/v1/{user}/orders',
    );
    expect(form.inputSchema).toEqual({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: {
        user: { type: 'string', description: 'whose' },
        limit: { type: 'integer' },
        'x-trace': { type: 'string' },
        item: { type: 'string' },
        note: { type: 'string' },
      },
      required: ['user', 'x-trace', 'item'],
      additionalProperties: false,
    });
    expect(form.argumentsOf({ user: 'u', limit: 1, 'x-trace': 't', item: 'i' })).toEqual({
      path: { user: 'u' },
      query: { limit: 1 },
      header: { 'x-trace': 't' },
      body: { item: 'i' },
    });
  });

  it('prefixes a name that stands in more than one place, and the prefixed one when it is taken', () => {
    const form = formOf({
      query: { id: { schema: {} }, body_id: { schema: {} } },
      body: { schema: closed({ id: {} }) },
    });
    expect(Object.keys(form.inputSchema['properties'] as object)).toEqual([
      'query_id',
      'body_id',
      'body_id_',
    ]);
    expect(form.argumentsOf({ query_id: 1, body_id: 2, body_id_: 3 })).toEqual({
      path: {},
      query: { id: 1, body_id: 2 },
      header: {},
      body: { id: 3 },
    });
    expect(form.fieldOf('/query/id')).toBe('/query_id');
    expect(form.fieldOf('/body/id/0')).toBe('/body_id_/0');
    expect(form.fieldOf('/body/other')).toBe('/other');
  });

  it('keeps a body whole that says something about its members together', () => {
    for (const schema of [
      { type: 'array', items: { type: 'string' } },
      { type: 'object', properties: { a: {} }, anyOf: [{ required: ['a'] }] },
      { type: 'object', properties: { a: { $ref: '#/$defs/x' } } },
      { type: 'object', properties: { a: {} }, additionalProperties: { type: 'string' } },
      { type: 'object', properties: { a: {} }, additionalProperties: true },
      { type: 'object' },
    ]) {
      const form = formOf({ body: { schema } });
      expect(Object.keys(form.inputSchema['properties'] as object)).toEqual(['body']);
      expect(form.argumentsOf({ body: [1] }).body).toEqual([1]);
      expect(form.fieldOf('/body/a/b')).toBe('/body/a/b');
    }
  });

  it('keeps references of a schema leading where they led', () => {
    const schema = {
      type: 'object',
      properties: { tree: { $ref: '#/$defs/tree' } },
      $defs: { tree: { type: 'object', properties: { next: { $ref: '#/$defs/tree' } }, required: ['name'] } },
      default: { $ref: '#/not/one' },
    };
    const { inputSchema } = formOf({ body: { schema } });
    const check = new Ajv2020({ strict: false }).compile(inputSchema);
    expect(check({ body: { tree: { name: 'a', next: { name: 'b' } } } })).toBe(true);
    expect(check({ body: { tree: { name: 'a', next: {} } } })).toBe(false);
    expect(
      (inputSchema as unknown as { properties: { body: { default: unknown } } }).properties.body.default,
    ).toEqual(schema.default);
  });

  it('asks for nothing that the grant fixes, and shows what it leaves', () => {
    const spec = toolSpecSchema.parse({
      name: 'orders',
      method: 'POST',
      url: 'https://api.example.com/v1/{user}/orders',
      labels: {},
      parameters: {
        path: { user: { schema: { type: 'string' } } },
        query: { kind: { schema: { type: 'string' } }, tags: { schema: { type: 'array' } } },
        header: { 'X-Region': { schema: { type: 'string' }, required: true } },
        body: { schema: closed({ model: { type: 'string' }, 'a/b': {} }, ['model']) },
      },
    });
    const form = new ToolForm(spec, {
      constants: { '/path/user': 'u1', '/header/x-region': 'eu', '/body/a~1b': 1 },
      allow: { '/query/kind': ['open', 'paid'], '/query/tags': ['x'], '/body/model': ['small'] },
    });
    expect(form.inputSchema).toMatchObject({
      properties: {
        kind: { type: 'string', enum: ['open', 'paid'] },
        tags: { type: 'array', items: { enum: ['x'] } },
        model: { type: 'string', enum: ['small'] },
      },
      required: ['kind', 'tags', 'model'],
    });
    expect(Object.keys(form.inputSchema['properties'] as object)).toEqual(['kind', 'tags', 'model']);
    expect(form.argumentsOf({ user: 'another', kind: 'open' })).toEqual({
      path: { user: 'another' },
      query: { kind: 'open' },
      header: {},
    });
  });

  it('takes text for a body that is not JSON', () => {
    const form = formOf({ body: { content_type: 'text/csv' } });
    expect(form.inputSchema['properties']).toEqual({
      body: { type: 'string', description: 'the body, text/csv', contentMediaType: 'text/csv' },
    });
    expect(form.argumentsOf({ body: 'a;b' }).body).toBe('a;b');
  });

  it('sorts every parameter to its place, whatever their names', () => {
    const name = fc.stringMatching(/^[a-z_]{1,3}$/);
    const names = fc.uniqueArray(name, { maxLength: 4 });
    fc.assert(
      fc.property(names, names, names, (query, header, body) => {
        const any = (list: readonly string[]): Record<string, { schema: Record<string, unknown> }> =>
          Object.fromEntries(list.map((each) => [each, { schema: {} }]));
        const form = formOf({
          query: any(query),
          header: any(header),
          ...(body.length === 0
            ? {}
            : { body: { schema: closed(Object.fromEntries(body.map((each) => [each, {}]))) } }),
        });
        const properties = Object.keys(form.inputSchema['properties'] as object);
        expect(properties).toHaveLength(query.length + header.length + body.length);
        const sorted = form.argumentsOf(Object.fromEntries(properties.map((each, at) => [each, at])));
        expect(Object.keys(sorted.query ?? {}).sort()).toEqual([...query].sort());
        expect(Object.keys(sorted.header ?? {}).sort()).toEqual([...header].sort());
        expect(Object.keys((sorted.body as object | undefined) ?? {}).sort()).toEqual([...body].sort());
      }),
      { seed: 728, numRuns: 300 },
    );
  });
});
